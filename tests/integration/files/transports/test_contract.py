"""The suite that every transport passes: right files or none, whatever happens on the way."""

from __future__ import annotations

import errno
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage, storages
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offload.core.exceptions import (
    InvalidTicket,
    NoSpace,
    SourceCorrupt,
    TimedOut,
    TooLarge,
    TransferFailed,
    TransferRefused,
)
from offload.core.transfers.descriptions import Direction, Transfer
from offload.core.transfers.tickets import HELD, Ticket
from offload.files.transports.receiving import IncomingFile
from offload.files.transports.transport import CHUNK_BYTES
from tests.integration.files.transports.links import PEER, REMOTE, Link, described

BOTH_WAYS = pytest.mark.parametrize("direction", list(Direction))
SMALL = {"empty": b"", "one.txt": b"1", "ünïcode 文.png": b"\x00\xff" * 500}


def assert_nothing_is_left(link: Link, root: Path) -> None:
    """Assert that neither side, nor the transport, keeps anything."""
    stored = [path for home in link.homes(root) for path in home.rglob("*")]
    assert [path for path in stored if path.is_file()] == []
    assert list(link.staging.iterdir()) == []
    assert link.leftovers() == []


@BOTH_WAYS
def test_files_arrive_as_they_were_sent(link: Link, direction: Direction) -> None:
    assert link.carry(direction, SMALL) == SMALL

    assert list(link.staging.iterdir()) == []
    assert link.leftovers() == []


@BOTH_WAYS
def test_files_of_any_size_arrive(link: Link, direction: Direction) -> None:
    most = link.transport().limits.file_bytes or 3 * CHUNK_BYTES + 1
    sizes = {most, most - 1, min(CHUNK_BYTES, most), min(CHUNK_BYTES + 1, most)}
    contents = {f"{size}.bin": bytes(range(256)) * (size // 256 + 1) for size in sizes}
    contents = {name: one[: int(name[:-4])] for name, one in contents.items()}

    for name, content in contents.items():
        assert link.carry(direction, {name: content}) == {name: content}


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None
)
@given(name=st.text(min_size=1, max_size=80), content=st.binary(max_size=200))
def test_any_name_arrives_or_is_refused(link: Link, name: str, content: bytes) -> None:
    try:
        file = described(name, content)
    except InvalidTicket:
        return

    assert link.carry(Direction.INPUT, {file.name: content}) == {name: content}


@BOTH_WAYS
def test_a_source_that_changed_is_not_sent(
    link: Link, direction: Direction, tmp_path: Path
) -> None:
    claimed = {"a": described("a", b"as it was"), "b": described("b", b"right")}

    with pytest.raises(SourceCorrupt, match="'a' is damaged"):
        link.carry(direction, {"a": b"as it is!", "b": b"right"}, claimed=claimed)

    assert_nothing_is_left(link, tmp_path)


def test_a_file_that_the_receiver_has_is_not_sent(link: Link) -> None:
    content = b"known" * 10
    link.held[described("a", content).sha256] = content

    known = link.carry(Direction.INPUT, {"a": content}, told_held={described("a", content).sha256})

    assert known == {"a": content}
    assert link.carried == []


def test_a_file_that_the_receiver_no_longer_has_is_asked_for_again(
    link: Link, tmp_path: Path
) -> None:
    with pytest.raises(TransferFailed, match="must offer it again"):
        link.carry(Direction.INPUT, {"a": b"x"}, told_held={described("a", b"x").sha256})

    assert_nothing_is_left(link, tmp_path)


def test_a_damaged_copy_of_the_receiver_is_replaced_by_the_right_file(link: Link) -> None:
    link.held[described("a", b"right").sha256] = b"wrong"

    assert link.carry(Direction.INPUT, {"a": b"right"}) == {"a": b"right"}


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"files": 2}, TooLarge),
        ({"file_bytes": 999}, TooLarge),
        ({"total_bytes": 1000}, TooLarge),
        ({"free_bytes": 1 << 60}, NoSpace),
    ],
)
def test_limits_are_checked_before_anything_is_fetched(
    link: Link, tmp_path: Path, limits: dict[str, int], error: type[Exception]
) -> None:
    link.limits = replace(link.limits, **limits)

    with pytest.raises(error):
        link.carry(Direction.INPUT, SMALL)

    assert link.progress == []
    assert_nothing_is_left(link, tmp_path)


class FullStorage(FileSystemStorage):
    """A storage that writes a part of a file, and then has no room for the rest."""

    def _save(self, name: str, content: Any) -> str:
        path = Path(self.path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.read()[: content.size // 2])
        raise OSError(errno.ENOSPC, "No space left on device", self.path(name))


def test_a_full_storage_is_said_and_nothing_is_left(
    link: Link, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = FullStorage(location=tmp_path / REMOTE)
    monkeypatch.setitem(storages._storages, REMOTE, full)  # type: ignore[attr-defined]

    with pytest.raises(NoSpace, match="No space left on device"):
        link.carry(Direction.INPUT, SMALL)

    assert_nothing_is_left(link, tmp_path)


def test_progress_is_told_up_to_the_end(link: Link) -> None:
    link.carry(Direction.INPUT, SMALL)

    for name in SMALL:
        steps = [one.done for one in link.progress if one.name == name]
        assert steps == sorted(steps)
        assert steps[-1] == len(SMALL[name])


def test_a_report_that_fails_stops_nothing(link: Link, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(list[Any]):
        def append(self, _: object) -> None:
            raise ZeroDivisionError

    link.progress = Broken()

    assert link.carry(Direction.INPUT, SMALL) == SMALL
    assert "could not be reported" in caplog.text


def test_a_file_that_takes_too_long_is_given_up(link: Link, tmp_path: Path) -> None:
    link.policy = replace(link.policy, timeout=-1.0)

    with pytest.raises(TimedOut, match="-1 s were allowed"):
        link.carry(Direction.INPUT, SMALL)

    assert_nothing_is_left(link, tmp_path)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(
    data=st.dictionaries(
        st.sampled_from(["content", "location", "key", "grant", "is_copy"]),
        st.none() | st.booleans() | st.text() | st.just("../../etc/passwd") | st.just("/etc/hosts"),
    ),
)
def test_a_forged_ticket_gives_nothing(link: Link, tmp_path: Path, data: dict[str, Any]) -> None:
    transport = link.transport()
    file = described("a", b"never this")
    transfer = Transfer(peer=PEER, job_id="j", direction=Direction.INPUT, file=file)
    forged = IncomingFile(transfer=transfer, ticket=Ticket(transport=transport.name, data=data))

    with pytest.raises((InvalidTicket, TransferRefused, SourceCorrupt)) as caught:
        link.receive(Direction.INPUT, [forged])

    assert not caught.value.can_retry
    assert_nothing_is_left(link, tmp_path)


@pytest.mark.parametrize("name", ["", "ftp", HELD + "!"])
def test_a_ticket_for_another_transport_is_refused(link: Link, tmp_path: Path, name: str) -> None:
    transfer = Transfer(peer=PEER, job_id="j", direction=Direction.INPUT, file=described("a", b"x"))
    unknown = IncomingFile(transfer=transfer, ticket=Ticket(transport=name))

    with pytest.raises(InvalidTicket, match="no transport"):
        link.receive(Direction.INPUT, [unknown])

    assert_nothing_is_left(link, tmp_path)


@BOTH_WAYS
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15, deadline=None
)
@given(cuts=st.lists(st.integers(0, 300), max_size=4))
def test_a_cut_transfer_goes_on_where_it_was_cut(
    link: Link, direction: Direction, cuts: list[int]
) -> None:
    if type(link).cut is Link.cut:
        pytest.skip(f"{link.transport().name}: there is nothing between the sides to cut.")
    content = bytes(range(200)) * 5
    link.cut(*cuts)

    assert link.carry(direction, {"a": content}) == {"a": content}
