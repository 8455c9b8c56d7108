"""Limits on files, and the choice of their transports."""

from __future__ import annotations

import pytest

from offload.core.exceptions import InvalidTicket, NoSpace, TooLarge
from offload.core.transfers.choice import TransportLimits, choose
from offload.core.transfers.descriptions import FileDescription
from offload.core.transfers.limits import TransferLimits, check_limits, check_space

LIMITS = TransferLimits(files=3, file_bytes=10, total_bytes=15, free_bytes=100)


def files(*sizes: int) -> list[FileDescription]:
    return [
        FileDescription(name=f"f{number}", size=size, media_type="", sha256="00" * 32)
        for number, size in enumerate(sizes)
    ]


@pytest.mark.parametrize("sizes", [(), (10,), (10, 5), (5, 5, 5), (0, 0, 0)])
def test_files_within_the_limits_are_taken(sizes: tuple[int, ...]) -> None:
    check_limits(LIMITS, files(*sizes))

    assert sum(sizes) <= LIMITS.total_bytes


@pytest.mark.parametrize(
    ("sizes", "problem"),
    [
        ((0, 0, 0, 0), "4 files, 3 are allowed"),
        ((11,), "it has 11 bytes, 10 are allowed"),
        ((8, 8), "with the others, it has 16 bytes, 15 are allowed"),
    ],
)
def test_files_beyond_a_limit_are_refused(sizes: tuple[int, ...], problem: str) -> None:
    with pytest.raises(TooLarge, match=problem):
        check_limits(LIMITS, files(*sizes))


def test_two_files_of_one_name_are_refused() -> None:
    with pytest.raises(InvalidTicket, match="two files"):
        check_limits(LIMITS, [*files(1), *files(2)])


def test_names_that_a_file_system_would_mix_up_are_refused() -> None:
    given = [FileDescription(name=one, size=1, media_type="", sha256="00" * 32) for one in "aA"]

    with pytest.raises(InvalidTicket, match=r"'A' has an invalid .* tells it from 'a'"):
        check_limits(LIMITS, given)


@pytest.mark.parametrize(("needed", "free"), [(0, 0), (50, 150), (1, 101)])
def test_a_disk_with_room_is_taken(needed: int, free: int) -> None:
    check_space(LIMITS, name="a", needed=needed, free=free)

    assert not needed or free - needed >= LIMITS.free_bytes


@pytest.mark.parametrize(("needed", "free"), [(51, 150), (1, 100), (1, 0)])
def test_a_disk_without_room_is_refused(needed: int, free: int) -> None:
    with pytest.raises(NoSpace, match="100 of them must stay so"):
        check_space(LIMITS, name="a", needed=needed, free=free)


TRANSPORTS = {
    "inline": TransportLimits(file_bytes=8, message_bytes=12),
    "storage": TransportLimits(),
    "http": TransportLimits(),
}
PREFERENCES = {"*": ["inline", "http"], "rome": ["storage"], "oslo": ["ftp", "inline"], "bonn": []}


@pytest.mark.parametrize(
    ("peer", "sizes", "chosen"),
    [
        ("paris", (8,), ["inline"]),
        ("paris", (9,), ["http"]),
        # 8 + 5 exceed the 12 bytes of a message, 8 + 4 do not.
        ("paris", (8, 5, 4), ["inline", "http", "inline"]),
        ("rome", (1, 99), ["storage", "storage"]),
        ("oslo", (1,), ["inline"]),
        ("bonn", (), []),
    ],
)
def test_the_first_transport_that_takes_a_file_is_chosen(
    peer: str, sizes: tuple[int, ...], chosen: list[str]
) -> None:
    found = choose(PREFERENCES, TRANSPORTS, peer=peer, files=files(*sizes))

    assert list(found.values()) == chosen


@pytest.mark.parametrize(
    ("peer", "sizes", "problem"),
    [
        ("bonn", (1,), "no transport is set up for the peer 'bonn'"),
        ("oslo", (9,), "ftp is not set up; inline takes files of up to 8 bytes, and it has 9"),
        ("oslo", (8, 8), "inline takes 12 bytes in all, and has 8 already"),
    ],
)
def test_where_none_takes_a_file_each_says_why(
    peer: str, sizes: tuple[int, ...], problem: str
) -> None:
    with pytest.raises(TooLarge, match=problem):
        choose(PREFERENCES, TRANSPORTS, peer=peer, files=files(*sizes))
