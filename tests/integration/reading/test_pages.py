"""The queries behind the browser's pages, on every database."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.test.utils import CaptureQueriesContext

from offload.core.retries import Cause, decide
from offload.db import database
from offload.fleet.snapshots import now, snapshot
from offload.models import Dependency, Instance, Job, Join, Payload, PayloadFile, Run
from offload.reading.cluster import facts, rule_ages
from offload.reading.jobs.page import page
from offload.reading.jobs.page_version import page_version
from offload.rules import editing, enforcement, switching
from offload.tracking import finishing
from tests.arranging import arrange
from tests.integration.world import (
    BROKE,
    HERE,
    THERE,
    TOPIC,
    bound,
    join,
    row,
    running,
    waiting,
)


def test_ages_are_by_the_clock_of_the_database() -> None:
    join(HERE)
    join(THERE)
    rule = editing.deny(HERE, TOPIC)
    switching.switch(THERE, off=True)

    found = facts.read()

    assert 0 <= found.lines[HERE].beat_age < 30
    assert 0 <= found.lines[HERE].up_for < 30
    assert found.lines[HERE].off_for is None
    assert 0 <= (found.lines[THERE].off_for or 0) < 30
    assert 0 <= rule_ages.with_rule_ages(found, [rule.pk]).rule_ages[rule.pk] < 30


def test_what_an_instance_announced_is_read_as_rules() -> None:
    incarnation = join(HERE)
    editing.deny(HERE, TOPIC)
    assert facts.read().lines[HERE].applied is None

    enforcement.announce(HERE, incarnation, snapshot(fresh=True))

    applied = facts.read().lines[HERE].applied
    assert applied is not None
    assert [one.pattern.text for one in applied.rules] == [TOPIC]
    assert not applied.is_off


def test_a_page_has_the_steps_of_the_run_and_those_a_join_waits_for() -> None:
    join(HERE)
    run = Run.objects.create(id="run", workflow="dam/update")
    first, second = waiting(2, run_id=run.pk)
    canvas: dict[str, Any] = {
        "body": {"task": "offload.step", "options": {"offload_topic": "dam/last"}},
        "tree": [first, second],
    }
    whole = Join.objects.create(id="join", **canvas)
    for needed in (first, second):
        Dependency.objects.create(join=whole, needs=needed)

    found = page(row(first), with_payload=True)

    assert [step.id for step in found.steps] == [first, second, ""]
    assert found.steps[-1].topic == "dam/last"
    assert found.explanation is not None
    assert found.explanation.instance == HERE


def test_a_page_has_every_attempt_and_the_inputs_first() -> None:
    join(HERE)
    payload = Payload.objects.create(id="files", storage="offload")
    job = running(payload_id=payload.pk)
    for name, by in (("a-output", row(job.id)), ("z-input", None)):
        PayloadFile.objects.create(
            payload=payload,
            job=by,
            epoch=1 if by else 0,
            name=name,
            size=1,
            media_type="a/b",
            sha256="0" * 64,
            location=name,
        )

    unfinished = page(row(job.id), with_payload=False)
    arrange(Job.objects.ids([job.id]), state="SUCCEEDED", finished_at="2030-01-01T00:00Z")
    ended = page(row(job.id), with_payload=False)

    assert [file.name for file in unfinished.files] == ["z-input"]
    assert [file.name for file in ended.files] == ["z-input", "a-output"]
    assert [attempt.state for attempt in ended.attempts] == ["SUCCEEDED"]
    assert ended.explanation is None
    assert ended.payload_values is None


def test_a_page_has_the_attempt_that_a_retry_waits_after() -> None:
    join(HERE)
    job = running()
    decision = decide(snapshot().default.retry, cause=Cause.FAILED, failures=0, crashes=0)
    finishing.requeue(job.key, decision, BROKE, cause=Cause.FAILED)

    (attempt,) = page(row(job.id), with_payload=False).attempts

    assert (attempt.outcome, attempt.error, attempt.state) == ("failed", "no", None)


def test_the_pulse_moves_with_the_job_its_run_and_its_chances() -> None:
    run = Run.objects.create(id="run", workflow="dam/update")
    first, second = waiting(2, run_id=run.pk)
    seen = [page_version(first)]

    def moved() -> bool:
        seen.append(page_version(first))
        return seen[-1] != seen[-2]

    assert not moved()
    join(HERE)
    assert moved()
    bound(1, topic="dam/other")
    assert moved()
    Job.objects.ids([second]).update(attempts=1)
    assert moved()
    Job.objects.ids([first]).update(progress={"current": 1})
    assert moved()
    assert not moved()


def test_the_pulse_moves_when_the_jobs_instance_falls_silent_and_by_the_minute() -> None:
    join(HERE)
    job = running()
    before = page_version(job.id)
    assert page_version(job.id) == before

    def silent_for(seconds: float) -> str:
        Instance.objects.update(beat_at=now() - timedelta(seconds=seconds))
        return page_version(job.id)

    silent = silent_for(20)
    assert silent != before
    assert silent_for(40) == silent
    assert silent_for(80) != silent
    assert silent_for(0) == before


def test_the_pulse_of_a_job_costs_a_few_statements_and_of_an_ended_one_a_single_one() -> None:
    join(HERE)
    job = running()

    def statements() -> int:
        with CaptureQueriesContext(database.connection()) as seen:
            page_version(job.id)
        return len(seen)

    # The run's jobs, silent instances, the version of the topology, and the loads.
    assert statements() == 4
    arrange(Job.objects.ids([job.id]), state="SUCCEEDED", finished_at="2030-01-01T00:00Z")
    assert statements() == 1
