"""A bound job's message leads to an attempt that counts, whatever its row contains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import chain
from django.db.models import TextField, Value

from offload import testing
from offload.core.states import FINAL
from offload.dispatch.publishing import send
from offload.jobs import aftermath, losses
from offload.messaging import publisher
from offload.messaging.installation import current_installation
from offload.models import Job, Slot
from offload.testing import run_jobs
from tests.arranging import arrange
from tests.integration.across.odd_values import JSONS

if TYPE_CHECKING:
    from celery import Celery

    from offload.tracking.binding.bindings import BoundJob
    from tests.integration.driving.tasks import Named

#: As many as there are attempts before a job is given up.
CRASHES = 4
COLUMNS = ("args", "properties", "options", "tail")


def _spoil_when_sent(monkeypatch: pytest.MonkeyPatch, column: str, text: str) -> None:
    """Let a column hold a text from the moment at which a job's message is made."""

    def message(app: Celery, job: Any, task: str) -> Any:
        made = publisher.message(app, job, task)
        odd = Value(text, output_field=TextField())
        arrange(Job.objects.filter(pk=job.id), **{column: odd})
        return made

    monkeypatch.setattr(testing, "message", message)


def _bound(app: Celery) -> list[BoundJob]:
    """Bind all that waits."""
    Slot.objects.get_or_create(instance=testing.INSTANCE_NAME)
    return list(iter(lambda: testing._bound(app), None))


@pytest.mark.parametrize("text", JSONS, ids=lambda text: text[:20])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_claim_ends_in_an_attempt(
    job: Named, monkeypatch: pytest.MonkeyPatch, column: str, text: str
) -> None:
    first: Any = chain(job.same.s(1), job.same.s()).delay().parent
    _spoil_when_sent(monkeypatch, column, text)

    for _ in range(CRASHES):
        run_jobs(most=50)
        # As a worker does with an attempt that it hears no end of.
        for one in Job.objects.filter(state="ACTIVE"):
            losses.ended((one.pk, one.epoch), cause="crashed", detail="it was not heard of again")
        Job.objects.filter(state="PENDING", hold="suspect").update(hold="")

    row = Job.objects.get(pk=first.id)
    assert row.state in FINAL
    assert 1 <= row.attempts <= CRASHES
    aftermath.sweep()
    assert not Job.objects.get(pk=first.id).aftermath_due


@pytest.mark.parametrize("column", COLUMNS)
def test_a_job_of_which_no_run_can_be_made_ends_at_its_first_attempt_and_says_why(
    job: Named, monkeypatch: pytest.MonkeyPatch, calls: list[Any], column: str
) -> None:
    sent = job.same.delay(1)
    _spoil_when_sent(monkeypatch, column, "{broken")

    run_jobs()

    row = Job.objects.get(pk=sent.id)
    assert (row.state, row.attempts) == ("ERROR", 1)
    assert f"cannot be read: {column}" in row.error


def test_where_nothing_can_be_read_the_report_of_an_attempt_that_did_not_begin_ends_too(
    app: Celery, job: Named
) -> None:
    sent = job.same.delay(1)
    [bound] = _bound(app)
    odd = Value("{broken", output_field=TextField())
    arrange(Job.objects.all(), **dict.fromkeys(COLUMNS, odd))

    losses.ended((bound.id, bound.epoch), cause="failed", detail="its message cannot be decoded")

    row = Job.objects.get(pk=sent.id)
    assert (row.attempts, row.failures, row.state) == (1, 1, "PENDING")


@pytest.mark.parametrize("text", JSONS, ids=lambda text: text[:20])
@pytest.mark.parametrize("column", COLUMNS)
def test_a_job_of_which_no_message_can_be_made_ends_and_keeps_no_other_back(
    app: Celery, job: Named, column: str, text: str
) -> None:
    sent = [job.same.delay(number) for number in range(2)]
    odd = Value(text, output_field=TextField())
    arrange(Job.objects.filter(pk=sent[0].id), **{column: odd})

    send([(one, "jobs.same") for one in _bound(app)])

    states = dict(Job.objects.values_list("pk", "state"))
    assert not current_installation.to_broker.is_open
    assert states[sent[0].id] in {"QUEUED", "ERROR"}
    assert states[sent[1].id] == "QUEUED"
