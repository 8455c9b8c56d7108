"""Public functions with real workers, as far as no other file tests them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.exceptions import NotRetriable
from offload.core.placement.topology import Scope
from offload.core.states import JobState
from offload.rules import editing
from tests.acceptance.site.tasks import whoami
from tests.acceptance.watching import ended, happened
from tests.polling import eventually

if TYPE_CHECKING:
    from offload import JobHandle
    from tests.acceptance.fleet import Fleet


def progress_of(job: JobHandle) -> dict[str, Any]:
    """Return how far a job says it is, once it says so."""
    return eventually(lambda: job.row.progress, what=f"the progress of {job}")


def test_a_running_job_shows_its_progress(fleet: Fleet) -> None:
    fleet.need("a")
    job = offload.submit("acc/patient", {"keeps": False})

    assert progress_of(job) == {"current": 1, "total": 2, "message": "half of it"}
    assert job.state == JobState.ACTIVE
    offload.stop(job.id)
    ended(job)


def test_what_a_running_job_logs_is_shown_while_it_runs(fleet: Fleet) -> None:
    fleet.need("a")
    job = offload.submit("acc/patient", {"keeps": True})

    [line] = eventually(job.logs, what=f"the log of {job}")

    assert (line.level, line.text) == ("INFO", "it waits to be asked")
    assert job.state == JobState.ACTIVE
    offload.stop(job.id)
    ended(job)
    assert job.logs() == (line,)


@pytest.mark.parametrize(
    ("keeps", "state", "result"),
    [(False, JobState.STOPPED, None), (True, JobState.SUCCEEDED, "half of it")],
)
def test_a_job_that_sees_that_it_is_asked_to_stop_gives_up_or_keeps_what_it_has(
    fleet: Fleet, keeps: bool, state: JobState, result: str | None
) -> None:
    fleet.need("a")
    job = offload.submit("acc/patient", {"keeps": keeps})
    progress_of(job)

    asked = offload.stop(job.id)
    row = ended(job)

    # A job that sees it at once has ended before its state is read.
    assert asked in {JobState.ACTIVE, state}
    assert (row.state, row.result, row.attempts) == (state, result, 1)
    assert happened(job) == ["start", "asked"]


def test_a_helper_far_from_the_task_can_ask_which_job_runs(fleet: Fleet) -> None:
    fleet.need("a")

    called = whoami.delay()
    submitted = offload.submit("acc/whoami", files={"note.txt": b"with a file"})

    assert called.get(timeout=30) == [called.id, "acc/whoami", 1, []]
    assert submitted.result(30) == [submitted.id, "acc/whoami", 1, ["note.txt"]]


def test_a_job_of_the_history_runs_once_more_as_a_new_one(fleet: Fleet) -> None:
    fleet.need("a")
    job = offload.submit("acc/echo", files={"note.txt": b"quiet"})
    first = ended(job)

    again = offload.retry(job.id)
    row = ended(again)

    assert again.id != job.id
    assert (row.retry_of_id, row.state, row.attempts) == (job.id, JobState.SUCCEEDED, 1)
    with again.outputs.get().open() as made:
        assert made.read() == b"QUIET"
    assert job.row.finished_at == first.finished_at


def test_a_job_that_has_not_ended_is_not_retried(fleet: Fleet) -> None:
    fleet.need()
    job = offload.submit("acc/quick")

    with pytest.raises(NotRetriable, match="stop it first, or wait"):
        offload.retry(job.id)


def test_a_rule_by_label_concerns_the_workers_whose_environment_gives_it(fleet: Fleet) -> None:
    fleet.need("a")
    labelled = fleet.start("gpu", variables={"OFFLOAD_LABELS": "gpu,licensed"})
    editing.deny("gpu", "acc/*", scope=Scope.LABEL)

    kept_off = [ended(job) for job in offload.submit_many("acc/quick", [{}] * 8)]
    editing.clear("gpu", "acc/*", scope=Scope.LABEL)
    editing.deny(fleet["a"].name, "acc/*")

    assert set(labelled.row.labels) == {"gpu", "licensed"}
    assert {row.instance for row in kept_off} == {fleet["a"].name}
    assert ended(offload.submit("acc/quick")).instance == labelled.name


def test_a_property_may_be_called_self_and_the_process_goes_on(fleet: Fleet) -> None:
    fleet.need()
    fleet.start("c", concurrency=1)

    first = offload.submit("acc/any", {"self": 1, "args": [2], "kwargs": {"request": 3}})
    later = offload.submit("acc/quick", {"value": 4})

    assert first.result(30) == {"self": 1, "args": [2], "kwargs": {"request": 3}}
    assert later.result(30) == 4
    assert (ended(first).attempts, ended(later).attempts) == (1, 1)
