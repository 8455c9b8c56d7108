"""Servers whose starter is dead, stands still or shares them with others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import psutil
import pytest
import redis

from offload.core.exceptions import BrokerUnreachable
from offload.embedded import EmbeddedBroker
from tests.integration.embedded.servers import put, server_of, take
from tests.polling import eventually
from tests.processes import has_ended

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
def starter(directory: Path, root: Path) -> Iterator[subprocess.Popen[str]]:
    """Return another process that has started the broker and does not stop it."""
    command = [sys.executable, "-c", STARTER, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=root) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("redis")
        yield process
        process.kill()


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
    eventually(lambda: has_ended(server), what="the end of the server")

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
    loading = iter([redis.BusyLoadingError()] * 20)
    ping = redis.Redis.ping

    def answer(client: Any) -> Any:
        for error in loading:
            raise error
        return ping(client)

    monkeypatch.setattr(redis.Redis, "ping", answer)

    assert embedded.start(timeout=0.1) == embedded.url
    assert not list(loading)


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

    assert has_ended(server)
