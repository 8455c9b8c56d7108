"""broker: a real process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any

import psutil
import pytest
from django.core.management import CommandError

from offload.embedded import EmbeddedBroker
from offload.management.verbs.broker import directory_of
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    Start = Callable[..., AbstractContextManager["subprocess.Popen[str]"]]


@pytest.fixture(autouse=True)
def app() -> None:
    """Install no other app than the site's: its settings name the broker."""


@pytest.fixture
def start(root: Path, tmp_path: Path) -> Start:
    """Return a function that starts the command in a process that does not outlive the block."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "project.settings",
        "OFFLOAD_VAR": str(tmp_path),
    }
    environment.pop("OFFLOAD_BROKER", None)

    @contextmanager
    def started(*arguments: str) -> Iterator[subprocess.Popen[str]]:
        command = [sys.executable, "manage.py", "offload", "broker", "--json", *arguments]
        pipe: Any = subprocess.PIPE
        with subprocess.Popen(
            command, cwd=root, env=environment, stdout=pipe, stderr=pipe, text=True
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    return started


def test_a_folder_that_cannot_be_made_is_an_error_of_one_line(start: Start) -> None:
    with start("--directory", "/proc/nowhere") as process:
        assert process.wait(60) == 1
        (line,) = process.stderr.read().splitlines()  # type: ignore[union-attr]
    error = json.loads(line)
    assert error["type"] == "BrokerUnreachable"
    assert "/proc/nowhere" in error["error"]
    assert "Name a folder for its data that can be made and written." in error["error"]
    assert "offload broker" not in error["error"]


def answers(broker: EmbeddedBroker) -> bool:
    return broker.is_running


def line_of(stream: IO[str] | None) -> str:
    assert stream is not None
    return stream.readline()


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_it_is_told_to_end(
    start: Start, tmp_path: Path, ending: signal.Signals
) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    with start() as process:
        said = json.loads(line_of(process.stdout))
        assert said == {
            "url": broker.url.partition("?")[0],
            "directory": str(broker.directory),
            "shared": False,
        }
        assert answers(broker)
        process.send_signal(ending)
        assert process.wait(60) == 0
    assert not answers(broker)
    assert not (tmp_path / "broker" / "valkey.sock").exists()


def test_one_that_runs_already_is_shared_and_not_ended(start: Start, tmp_path: Path) -> None:
    with EmbeddedBroker(tmp_path / "broker") as broker, start() as process:
        assert json.loads(line_of(process.stdout))["shared"] is True
        process.terminate()
        assert process.wait(60) == 0
        assert broker.is_running


def server_of(broker: EmbeddedBroker) -> psutil.Process:
    """Return the server's process."""
    marks = json.loads((broker.directory / "valkey.pid").read_text())
    return psutil.Process(marks["server"]["pid"])


def test_a_server_that_stands_still_is_told_of_and_left_alone(start: Start, tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    with start() as process:
        line_of(process.stdout)
        server = server_of(broker)
        server.suspend()
        assert "lives and has not answered" in json.loads(line_of(process.stdout))["message"]
        server.resume()
        assert "answers again" in json.loads(line_of(process.stdout))["message"]
        assert server_of(broker) == server
        process.terminate()
        assert process.wait(60) == 0
        assert has_ended(server)


def test_a_server_that_was_killed_is_started_again(start: Start, tmp_path: Path) -> None:
    broker = EmbeddedBroker(tmp_path / "broker")
    with start() as process:
        line_of(process.stdout)
        server = server_of(broker)
        server.kill()
        assert "was started again" in json.loads(line_of(process.stdout))["message"]
        assert answers(broker)
        assert server_of(broker) != server
        process.terminate()
        assert process.wait(60) == 0


def test_one_that_was_shared_goes_on_after_the_end_of_who_started_it(
    start: Start, tmp_path: Path
) -> None:
    with EmbeddedBroker(tmp_path / "broker") as broker, start() as process:
        line_of(process.stdout)
        broker.stop()
        assert "was started again" in json.loads(line_of(process.stdout))["message"]
        assert answers(broker)
        process.terminate()
        assert process.wait(60) == 0
    assert not answers(broker)


def test_it_runs_in_another_directory_on_demand(start: Start, tmp_path: Path) -> None:
    with start("--directory", str(tmp_path / "elsewhere")) as process:
        assert json.loads(line_of(process.stdout))["directory"] == str(tmp_path / "elsewhere")
        eventually(lambda: EmbeddedBroker(tmp_path / "elsewhere").is_running)
        process.terminate()
        assert process.wait(60) == 0


def test_the_directory_is_read_from_the_address(tmp_path: Path) -> None:
    directory = tmp_path / 'a "b" %20 ü'
    assert directory_of(EmbeddedBroker(directory).url) == directory


@pytest.mark.parametrize(
    "url", ["redis://127.0.0.1/0", "redis+socket:///run/redis.sock", "memory://", "", None]
)
def test_an_address_that_is_not_the_embedded_brokers_is_refused(url: str | None) -> None:
    with pytest.raises(CommandError, match="--directory var/broker"):
        directory_of(url)
