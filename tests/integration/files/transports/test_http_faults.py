"""The transport ``http`` on a network that cuts, changes, delays; and with a home that restarts."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload.core.exceptions import SourceCorrupt, TimedOut, TransferFailed, TransferRefused
from offload.core.transfers.descriptions import Direction, Transfer
from offload.files.transports.http import remote_transport
from tests.integration.files.transports.links import JOB, PEER, described
from tests.integration.files.transports.proxy import Fault

if TYPE_CHECKING:
    from pathlib import Path

    from offload.files.transports.watching import TransferProgress
    from tests.integration.files.transports.http_link import HttpLink

BOTH_WAYS = pytest.mark.parametrize("direction", list(Direction))
SIZE = 300_000
CONTENT = os.urandom(SIZE)
INPUT, OUTPUT = Direction.INPUT, Direction.OUTPUT


@pytest.fixture(autouse=True)
def _small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote_transport, "PART_BYTES", 100_000)


def assert_nothing_is_left(link: HttpLink, root: Path) -> None:
    """Assert that neither side keeps anything."""
    stored = [path for home in link.homes(root) for path in home.rglob("*")]
    assert [path for path in stored if path.is_file()] == []
    assert list(link.staging.iterdir()) == []
    assert link.leftovers() == []


def grown(link: HttpLink) -> list[int]:
    """Return how far the file was at each step."""
    return [one.done for one in link.progress]


@BOTH_WAYS
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(cuts=st.lists(st.tuples(st.booleans(), st.integers(0, SIZE)), min_size=1, max_size=4))
def test_a_cut_anywhere_loses_nothing_that_came_over(
    http_link: HttpLink, direction: Direction, cuts: list[tuple[bool, int]]
) -> None:
    http_link.client.close()
    http_link.server.clear()
    http_link.progress.clear()
    http_link.proxy.faults.clear()
    http_link.proxy.faults.extend(
        Fault(cut_request=size) if is_request else Fault(cut_response=size)
        for is_request, size in cuts
    )

    assert http_link.carry(direction, {"a": CONTENT}) == {"a": CONTENT}

    assert grown(http_link)[-1] == SIZE
    # An offset whose last digits are cut off is corrected by home; what is fetched only grows.
    assert direction is OUTPUT or grown(http_link) == sorted(grown(http_link))
    assert http_link.leftovers() == []


@pytest.mark.parametrize("first", range(7))
def test_headers_that_were_cut_say_nothing(http_link: HttpLink, first: int) -> None:
    for size in range(50 + first, 500, 7):
        http_link.client.close()
        http_link.progress.clear()
        # The second response, with the rest of the file, is cut in its headers.
        http_link.proxy.faults.extend([Fault(cut_response=9_000), Fault(cut_response=size)])

        assert http_link.carry(INPUT, {"a": CONTENT}) == {"a": CONTENT}
        assert grown(http_link) == sorted(grown(http_link)), f"cut after {size} bytes"


@BOTH_WAYS
def test_a_changed_byte_is_noticed_and_the_file_carried_again(
    http_link: HttpLink, direction: Direction
) -> None:
    http_link.proxy.faults.append(Fault(corrupts_request=True, corrupts_response=True))

    assert http_link.carry(direction, {"a": CONTENT}) == {"a": CONTENT}

    assert grown(http_link) != sorted(grown(http_link))
    assert http_link.leftovers() == []


@BOTH_WAYS
def test_bytes_that_always_change_are_given_up(
    http_link: HttpLink, direction: Direction, tmp_path: Path
) -> None:
    http_link.proxy.always = Fault(corrupts_all=True)

    with pytest.raises(SourceCorrupt, match="another SHA-256"):
        http_link.carry(direction, {"a": CONTENT})

    assert_nothing_is_left(http_link, tmp_path)


@BOTH_WAYS
def test_a_line_that_only_drips_is_given_up_in_time(
    http_link: HttpLink, direction: Direction, tmp_path: Path
) -> None:
    http_link.policy = replace(http_link.policy, timeout=0.5)
    http_link.proxy.always = Fault(drip=0.1)

    with pytest.raises((TimedOut, TransferFailed)) as caught:
        http_link.carry(direction, {"a": CONTENT})

    assert caught.value.can_retry
    assert_nothing_is_left(http_link, tmp_path)


@BOTH_WAYS
def test_a_busy_home_is_asked_again_when_it_says(http_link: HttpLink, direction: Direction) -> None:
    busy = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    http_link.proxy.faults.extend([Fault(answer=busy), Fault(answer=busy)])

    assert http_link.carry(direction, {"a": CONTENT}) == {"a": CONTENT}

    assert http_link.pauses == [7.0, 7.0]


@BOTH_WAYS
@pytest.mark.parametrize("status", ["408 Slow", "425 Early", "429 Many", "500 Down", "504 Gone"])
def test_what_may_pass_is_tried_again(
    http_link: HttpLink, direction: Direction, status: str
) -> None:
    answer = f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    http_link.proxy.faults.append(Fault(answer=answer.encode()))

    assert http_link.carry(direction, {"a": CONTENT}) == {"a": CONTENT}

    # The first pause of the policy; the tests draw none of the jitter.
    assert http_link.pauses == [http_link.policy.retry.delay]


@BOTH_WAYS
@pytest.mark.parametrize("status", ["302 There", "400 What", "403 No", "404 Where", "451 Law"])
def test_what_will_not_pass_is_given_up_at_once(
    http_link: HttpLink, direction: Direction, status: str, tmp_path: Path
) -> None:
    answer = f"HTTP/1.1 {status}\r\nLocation: /\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    http_link.proxy.always = Fault(answer=answer.encode())

    with pytest.raises(TransferRefused, match=status[:3]):
        http_link.carry(direction, {"a": CONTENT})

    assert http_link.proxy.connections == 1
    assert_nothing_is_left(http_link, tmp_path)


@BOTH_WAYS
def test_a_home_that_stays_away_is_given_up(
    http_link: HttpLink, direction: Direction, tmp_path: Path
) -> None:
    http_link.proxy.close()

    with pytest.raises(TransferFailed):
        http_link.carry(direction, {"a": CONTENT})

    assert len(http_link.pauses) == http_link.policy.retry.retries
    assert_nothing_is_left(http_link, tmp_path)


@BOTH_WAYS
@pytest.mark.parametrize("garbage", [b"\x00\x01", b"HTTP/1.1 abc\r\n\r\n", b"SSH-2.0-x\r\n"])
def test_a_stranger_that_answers_is_given_up(
    http_link: HttpLink, direction: Direction, garbage: bytes, tmp_path: Path
) -> None:
    http_link.proxy.always = Fault(answer=garbage)

    with pytest.raises(TransferFailed):
        http_link.carry(direction, {"a": CONTENT})

    assert_nothing_is_left(http_link, tmp_path)


@BOTH_WAYS
def test_a_home_that_restarts_goes_on_where_it_was(
    http_link: HttpLink, direction: Direction, monkeypatch: pytest.MonkeyPatch
) -> None:
    # More than the buffers of all sockets on the way hold.
    content = os.urandom(24 << 20)
    monkeypatch.setattr(remote_transport, "PART_BYTES", 4 << 20)
    restarts: list[int] = []

    def told(progress: TransferProgress) -> None:
        http_link.progress.append(progress)
        if progress.done >= 4 << 20 and not restarts:
            restarts.append(progress.done)
            http_link.server.kill()
            http_link.server.start()

    monkeypatch.setattr(http_link, "told", told)

    assert http_link.carry(direction, {"a": content}) == {"a": content}

    assert grown(http_link) == sorted(grown(http_link))
    assert restarts
    assert http_link.leftovers() == []


def test_a_home_without_room_is_tried_again_and_keeps_nothing_meanwhile(
    http_link: HttpLink,
) -> None:
    file = described("a", CONTENT)
    transfer = Transfer(peer=PEER, job_id=JOB, direction=OUTPUT, file=file)
    part = http_link.server.folder / "uploads" / f"{transfer.key}.part"
    part.symlink_to("/dev/full")

    assert http_link.carry(OUTPUT, {"a": CONTENT}) == {"a": CONTENT}

    assert http_link.pauses == [http_link.policy.retry.delay]
    assert http_link.leftovers() == []


def test_an_output_that_home_has_is_not_sent_again(http_link: HttpLink) -> None:
    http_link.carry(OUTPUT, {"a": CONTENT})
    http_link.progress.clear()

    assert http_link.carry(OUTPUT, {"a": CONTENT}) == {"a": CONTENT}

    assert grown(http_link) == [SIZE]


def test_many_files_go_side_by_side(http_link: HttpLink) -> None:
    contents = {f"{number}.bin": os.urandom(50_000 + number) for number in range(12)}

    assert http_link.carry(INPUT, contents) == contents
    assert http_link.carry(OUTPUT, contents) == contents
