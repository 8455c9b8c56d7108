"""Why a job that failed ran where it did, kept with it however the fleet changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.core.matching.requirements import Requirements
from offload.core.outcomes import ErrorInfo
from offload.core.retries import RetryDecision
from offload.core.states import JobState
from offload.db import database
from offload.jobs import endings, losses
from offload.models import Instance, PlacementRecord, Queue
from offload.reading.jobs.page import page
from offload.reading.waiting.explain import explain_job
from offload.rules import editing
from tests.integration.world import HERE, THERE, Running, join, row, running, statements

if TYPE_CHECKING:
    from celery import Celery

WANTED = Requirements.of({"gpu": True})
OVER = RetryDecision(state=JobState.ERROR, delay=0, failures=1, crashes=0, reason="permanent")


@pytest.fixture(autouse=True)
def _fleet(app: Celery) -> None:
    """Let an instance with a GPU and one without be here."""
    join(HERE, facts={"gpu": True})
    join(THERE)


def fail(run: Running) -> None:
    """End a job for good."""
    endings.fail(run.ending, OVER, ErrorInfo.of(ValueError, "no"))


def test_a_failed_job_says_why_it_ran_there_when_the_fleet_is_another_one() -> None:
    run = running(requires=WANTED)
    fail(run)

    Instance.objects.all().delete()
    editing.deny(HERE, "**")

    said = explain_job(row(run.id))
    assert said.where_it_ran.startswith(f"{HERE} consumes ")
    assert "It has what is required: gpu" in said.where_it_ran
    assert f"1 of 2 known instances could run it: {HERE}." in said.where_it_ran
    assert f"{THERE} " in said.where_it_ran
    assert said.where_it_ran in said.sentence
    assert said.as_dict()["where_it_ran"] == said.where_it_ran
    assert page(row(run.id), with_payload=False).where_it_ran == said.where_it_ran


def test_a_job_that_is_given_up_after_its_process_died_has_it_too() -> None:
    Queue.objects.create(name="once", topics=["**"], rerun=False)
    run = running(queue="once")

    losses.crashed((run.id, 1), "killed")

    assert row(run.id).state == JobState.ERROR
    assert PlacementRecord.objects.get().instance == HERE
    assert f"{HERE} consumes " in explain_job(row(run.id)).where_it_ran


def test_one_whose_instance_is_denied_meanwhile_says_so() -> None:
    run = running()
    editing.deny(HERE, "**")
    fail(run)

    said = explain_job(row(run.id)).where_it_ran
    assert said.startswith(f"When the job had ended, {HERE} could not run it any more: ")


def test_a_job_that_succeeds_costs_no_statement_and_has_no_record() -> None:
    run = running()

    with statements() as sent:
        endings.succeed(run.ending, 1)

    assert not any("placementrecord" in one for one in sent)
    assert not PlacementRecord.objects.exists()
    with statements() as sent:
        assert explain_job(row(run.id)).where_it_ran == ""
    assert not any("placementrecord" in one for one in sent)


def test_a_record_that_cannot_be_written_costs_the_end_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    run = running()
    with database.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {PlacementRecord._meta.db_table} RENAME TO elsewhere")
    try:
        fail(run)
    finally:
        with database.cursor() as cursor:
            cursor.execute(f"ALTER TABLE elsewhere RENAME TO {PlacementRecord._meta.db_table}")

    assert row(run.id).state == JobState.ERROR
    assert "was not written down" in caplog.text
