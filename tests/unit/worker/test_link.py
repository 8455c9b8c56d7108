"""The link between a worker and its agent."""

from __future__ import annotations

import os
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from offload.worker.link import BUFFER_BYTES, Link

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ends() -> Iterator[tuple[Link, Link]]:
    """Return both ends."""
    pair = Link.pair()
    yield pair
    for end in pair:
        end.close()


def test_values_arrive_whole_and_in_order(ends: tuple[Link, Link]) -> None:
    one, other = ends

    assert one.send({"a": 1})
    assert one.send({"held": [["x" * 20, 1]] * 1000})

    assert other.receive(5) == {"a": 1}
    assert len((other.receive(5) or {})["held"]) == 1000


def test_a_value_that_no_packet_and_no_socket_could_hold_arrives_whole(
    ends: tuple[Link, Link],
) -> None:
    one, other = ends
    large = {"held": [["x" * 36, number] for number in range(60_000)]}
    assert len(str(large)) > 2 * BUFFER_BYTES
    heard: list[object] = []
    listener = threading.Thread(target=lambda: heard.extend([other.receive(5), other.receive(5)]))
    listener.start()

    assert one.send(large)
    assert one.send({"a": 1})
    listener.join()

    assert heard == [large, {"a": 1}]


def test_small_values_may_come_between_the_packets_of_a_large_one(ends: tuple[Link, Link]) -> None:
    one, other = ends
    first, last = (mark + part for mark, part in ((b"f", b'{"a": '), (b"l", b"1}")))

    one._end.send(first)
    one.send({"goodbye": True})
    one._end.send(last)

    assert other.receive(5) == {"goodbye": True}
    assert other.receive(5) == {"a": 1}


def test_a_value_that_lost_its_end_is_none_and_the_next_one_arrives(
    ends: tuple[Link, Link],
) -> None:
    one, other = ends

    one._end.send(b'f{"held": [')
    one._end.send(b'w{"cut')
    assert other.receive(0) is None
    one._end.send(b'f{"b":')
    one._end.send(b"l 2}")

    assert other.receive(5) == {"b": 2}


def test_nothing_to_receive_is_none(ends: tuple[Link, Link]) -> None:
    assert ends[0].receive(0) is None


def test_a_closed_end_is_none_and_takes_nothing(ends: tuple[Link, Link]) -> None:
    one, other = ends
    other.close()

    assert one.receive(5) is None
    assert not one.send({"a": 1})


def test_who_does_not_listen_holds_nobody_up(ends: tuple[Link, Link]) -> None:
    one, _ = ends
    large = {"x": "x" * 50_000}

    assert not all(one.send(large) for _ in range(1000))


def test_an_end_can_be_inherited_by_its_descriptor() -> None:
    one, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours, theirs = Link(one), Link.of_descriptor(os.dup(other.fileno()))
    other.close()

    theirs.send({"settled": "i"})

    assert ours.receive(5) == {"settled": "i"}
    for end in (ours, theirs):
        end.close()
