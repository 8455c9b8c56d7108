"""The embedded broker: what it keeps, and who reaches it."""

from __future__ import annotations

import socket
import stat
from typing import TYPE_CHECKING

import pytest
import redis

from offload.embedded import EmbeddedBroker
from tests.integration.embedded.servers import put, server_of, take

if TYPE_CHECKING:
    from pathlib import Path


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
