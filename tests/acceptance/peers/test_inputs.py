"""Inputs of jobs that run in another cluster come there whole, or not at all, whoever dies."""

from __future__ import annotations

import os
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from celery import chain
from django.db.models import Q

import offload
from offload.core.states import JobState
from offload.models import FileTransfer, Job, KeptFile, PayloadFile
from offload.rules import editing
from offload.workflows import definitions, start, step, workflow
from tests.acceptance.peers.clusters import pair
from tests.acceptance.peers.test_travel import LIMIT, reaches, row
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker

    from tests.acceptance.peers.clusters import Pair

MIB = 1 << 20


@pytest.fixture(scope="module")
def apart(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Pair]:
    """Return two clusters; the first one's worker may run nothing, and its site is not served."""
    with django_db_blocker.unblock(), pair(tmp_path_factory.mktemp("inputs")) as found:
        for one in (found.site, found.render):
            with one.visited():
                one.fleet.need("a")
        with found.site.visited():
            editing.deny(found.site.place.nodename("a"), "acc/**")
        yield found


@pytest.fixture
def served(apart: Pair) -> Iterator[Pair]:
    """Return the clusters with the first one's site served."""
    apart.web.start()
    yield apart
    apart.web.kill()


def submit(pair: Pair, files: dict[str, bytes]) -> str:
    """Let the other cluster read files; return the job's id."""
    with pair.site.visited():
        return str(offload.submit("acc/digests", files=files).id)


def being_fetched(pair: Pair, job_id: str) -> None:
    """Wait until an agent of the other cluster fetches the files of a job."""

    def is_running() -> bool:
        with pair.render.visited():
            return FileTransfer.objects.filter(job=job_id, stage="running").exists()

    eventually(is_running, within=LIMIT, what="the files are on their way")


def came_over(pair: Pair, job_id: str, files: dict[str, bytes]) -> None:
    """Wait until a job has read its files; check that it read those that were sent."""
    found = reaches(pair.site, job_id, JobState.SUCCEEDED)
    assert found.peer == pair.render.name
    assert found.result == {name: sha256(one).hexdigest() for name, one in files.items()}


def check_stored(pair: Pair) -> None:
    """Check that the other cluster's storage has a file for each row, and no other file."""
    folder = pair.render.place.folder / "media"

    def is_tidy() -> bool:
        with pair.render.visited():
            rows = set(PayloadFile.objects.values_list("location", flat=True))
            # What a clone left in whose place a newer one is.
            rows |= set(KeptFile.objects.values_list("location", flat=True))
        there = {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}
        return there == rows

    eventually(is_tidy, within=LIMIT, what="no file is left over")


def test_files_of_any_size_come_before_the_job_begins(served: Pair) -> None:
    files = {"small.txt": os.urandom(5), "deep/large.bin": os.urandom(3 * MIB), "empty": b""}

    job_id = submit(served, files)

    came_over(served, job_id, files)
    with served.render.visited():
        told = FileTransfer.objects.filter(job=job_id).values_list("name", "transport", "sent")
        assert set(told) == {
            ("small.txt", "inline", 5),
            ("deep/large.bin", "http", 3 * MIB),
            ("empty", "inline", 0),
        }
    check_stored(served)


def test_what_the_other_side_has_is_not_sent_again(served: Pair) -> None:
    files = {"large.bin": os.urandom(2 * MIB)}
    came_over(served, submit(served, files), files)

    job_id = submit(served, files)

    came_over(served, job_id, files)
    with served.render.visited():
        found = FileTransfer.objects.get(job=job_id)
        assert (found.sent, found.saved) == (0, 2 * MIB)


def test_an_agent_that_dies_while_it_fetches_is_replaced(apart: Pair) -> None:
    files = {"small.txt": b"small", "large.bin": os.urandom(2 * MIB)}
    job_id = submit(apart, files)
    being_fetched(apart, job_id)

    # Nobody serves the large file yet, so the agent is in the middle of it.
    with apart.render.visited():
        apart.render.fleet["a"].agent.kill()
    apart.web.start()

    try:
        came_over(apart, job_id, files)
    finally:
        apart.web.kill()
    with apart.render.visited():
        assert set(FileTransfer.objects.filter(job=job_id).values_list("stage")) == {("done",)}
        # On a busy machine the cluster falls silent before its agent is back, and home binds anew.
        again = Q(tries__gte=2) | Q(epoch__gte=2)
        assert FileTransfer.objects.filter(again, job=job_id).count() == len(files)
    check_stored(apart)


def test_a_file_that_is_deleted_at_home_ends_the_job_with_its_error(apart: Pair) -> None:
    job_id = submit(apart, {"large.bin": os.urandom(MIB)})
    being_fetched(apart, job_id)
    with apart.site.visited():
        file = PayloadFile.objects.get(payload__jobs=job_id)
        (apart.site.place.folder / "media" / file.location).unlink()

    apart.web.start()

    try:
        found = reaches(apart.site, job_id, JobState.ERROR)
    finally:
        apart.web.kill()
    assert found.error_type.endswith("SourceCorrupt")
    assert "no longer has it" in found.error
    check_stored(apart)


def test_a_stop_ends_the_fetching(apart: Pair) -> None:
    job_id = submit(apart, {"small.txt": b"kept back", "large.bin": os.urandom(MIB)})
    being_fetched(apart, job_id)

    with apart.site.visited():
        offload.stop(job_id)

    reaches(apart.site, job_id, JobState.STOPPED)
    reaches(apart.render, job_id, JobState.STOPPED)
    with apart.render.visited():
        assert not FileTransfer.objects.filter(job=job_id).open().exists()
        assert not Job.objects.filter(pk=job_id, attempts__gt=0).exists()
    check_stored(apart)
    assert row(apart.site, job_id) is not None


def test_what_a_step_made_there_is_given_to_the_next_one_there(
    served: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(definitions, "defined", {})
    workflow("acc/relay")(
        lambda: chain(
            step("acc/echo", outputs=["loud-said.txt"]),
            step("acc/digests", inputs=["loud-said.txt"]).set(immutable=True),
        )
    )
    with served.site.visited():
        run = start("acc/relay", files={"said.txt": b"said"})
        last = eventually(lambda: run.plan["acc/digests"].job, within=LIMIT, what="its last step")

    came_over(served, last, {"said.txt": b"said", "loud-said.txt": b"SAID"})
