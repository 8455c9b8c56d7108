"""Claims of transfers: one agent at a time, taken over when its lease is over, fenced by its id."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256

from offload.core.transfers.descriptions import Direction, FileDescription
from offload.core.transfers.stages import TransferTask
from offload.core.transfers.tickets import Ticket
from offload.files.transfers import claimed_files, noted
from offload.models import DyingFile, FileTransfer, Job
from tests.integration.world import waiting

LATER = datetime(2100, 1, 1, tzinfo=UTC)
NAMES = ("a.txt", "b/c.txt")


def described(name: str) -> FileDescription:
    """Return a file of that name."""
    digest = sha256(name.encode()).hexdigest()
    return FileDescription(name=name, size=10, media_type="text/plain", sha256=digest)


def a_job(names: tuple[str, ...] = NAMES, *, transport: str = "inline") -> str:
    """Return the id of a job whose files are to be fetched."""
    [job_id] = waiting()
    files = [(described(name), Ticket(transport=transport, data={"content": ""})) for name in names]
    noted.note(
        job_id, peer="site", epoch=1, direction=Direction.INPUT, task=TransferTask.FETCH,
        files=files,
    )  # fmt: skip
    return job_id


def claim(owner: str = "a@one", lease: float = 60.0) -> claimed_files.ClaimedFiles | None:
    """Claim what is due."""
    return claimed_files.claim(owner, storage="default", lease=lease)


def test_all_files_of_a_job_are_claimed_together_and_by_one_agent() -> None:
    job_id = a_job()

    found = claim()

    assert found is not None
    assert (found.job_id, found.peer, found.epoch) == (job_id, "site", 1)
    assert [one.name for one in found.rows] == list(NAMES)
    assert len({one.location for one in found.rows}) == len(NAMES)
    assert {one.location.partition("/")[0] for one in found.rows} == {found.folder}
    assert claim("b@two") is None


def test_the_job_that_waits_longest_is_first() -> None:
    first, second = a_job(), a_job()

    assert [found.job_id for found in (claim(), claim()) if found] == [first, second]
    assert claim() is None


def test_what_two_jobs_share_is_fetched_for_one_at_a_time() -> None:
    first, second = a_job(("x", "same"), transport="http"), a_job(("same", "y"), transport="http")
    other = a_job(("z",), transport="http")

    found, third = claim(), claim("b@two")

    assert found is not None
    assert third is not None
    assert (found.job_id, third.job_id) == (first, other)
    assert claim("b@two") is None

    assert claimed_files.finish(found, {})
    rest = claim("b@two")
    assert rest is not None
    assert rest.job_id == second


def test_a_job_does_not_wait_for_a_fetch_whose_agent_is_dead() -> None:
    a_job(("same",), transport="http")
    second = a_job(("same",), transport="http")
    assert claim(lease=0.0) is not None
    FileTransfer.objects.exclude(job_id=second).update(due_at=LATER)

    found = claim("b@two")

    assert found is not None
    assert found.job_id == second


def test_files_noted_twice_are_there_once() -> None:
    job_id = a_job()
    noted.note(
        job_id, peer="site", epoch=1, direction=Direction.INPUT, task=TransferTask.FETCH,
        files=[(described("a.txt"), Ticket(transport="http"))],
    )  # fmt: skip

    assert FileTransfer.objects.filter(transport="inline").count() == len(NAMES)
    assert FileTransfer.objects.count() == len(NAMES)


def test_another_agent_takes_over_when_the_lease_is_over() -> None:
    a_job()
    first = claim(lease=0.0)
    assert first is not None

    second = claim("b@two")

    assert second is not None
    assert second.folder != first.folder
    assert FileTransfer.objects.filter(tries=2, owner="b@two").count() == len(NAMES)
    # What the first one stored, if it did, goes.
    assert {one.location for one in DyingFile.objects.all()} <= {o.location for o in first.rows}
    assert not claimed_files.renew(first, {}, lease=60.0)
    assert not claimed_files.finish(first, {})
    assert not claimed_files.fail(first, name="a.txt", code="no_space", problem="full")
    assert claimed_files.renew(second, {}, lease=60.0)


def test_a_renewed_lease_is_kept_and_says_how_far_the_files_are() -> None:
    a_job()
    found = claim(lease=0.0)
    assert found is not None

    assert claimed_files.renew(found, {"a.txt": 4}, lease=60.0)

    assert claim("b@two") is None
    progress = noted.progress(list(FileTransfer.objects.all()))
    assert (progress.files, progress.done, progress.size, progress.done_size) == (2, 0, 20, 4)


def test_what_came_and_what_was_here_is_counted() -> None:
    a_job()
    found = claim()
    assert found is not None

    assert claimed_files.finish(found, {"a.txt": 10})

    kept = {one.name: (one.stage, one.sent, one.saved) for one in FileTransfer.objects.all()}
    assert kept == {"a.txt": ("done", 10, 0), "b/c.txt": ("done", 0, 10)}
    assert claim() is None


def test_one_error_ends_the_files_of_the_job() -> None:
    a_job()
    found = claim()
    assert found is not None

    assert claimed_files.fail(
        found, name="b/c.txt", code="no_space", problem="full", storage="default"
    )

    kept = {one.name: (one.stage, one.error_type) for one in FileTransfer.objects.all()}
    assert kept == {"a.txt": ("failed", ""), "b/c.txt": ("failed", "no_space")}
    assert claim() is None


def test_files_that_were_put_back_are_due_later() -> None:
    a_job()
    found = claim()
    assert found is not None

    claimed_files.put_back(found, seconds=60.0)
    assert claim() is None

    FileTransfer.objects.update(due_at="2020-01-01T00:00:00Z")
    assert claim() is not None


def test_what_was_given_up_is_nobodys() -> None:
    job_id = a_job()
    found = claim()
    assert found is not None

    assert noted.give_up(job_id, problem="withdrawn", storage="default") == len(NAMES)

    assert not claimed_files.renew(found, {}, lease=60.0)
    assert claim() is None


def test_an_agent_that_starts_releases_what_the_former_one_had() -> None:
    a_job()
    assert claim("a@one") is not None

    assert claimed_files.release("b@two") == 0
    assert claimed_files.release("a@one") == len(NAMES)

    assert claim("b@two") is not None


def test_transfers_go_with_their_job() -> None:
    job_id = a_job()

    Job.objects.filter(pk=job_id).delete()

    assert not FileTransfer.objects.exists()
