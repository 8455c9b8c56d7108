"""What the browser's pages are read from, on every database."""

from __future__ import annotations

from typing import Any

from offload.browser.jobs import reading
from offload.core.retries import Cause, decide
from offload.fleet import rule_enforcement, rules
from offload.fleet.snapshots import snapshot
from offload.models import Dependency, Job, Join, Payload, PayloadFile, Run
from offload.reading import cluster
from offload.tracking import runs
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
    rule = rules.deny(HERE, TOPIC)
    rules.switch(THERE, off=True)

    found = cluster.read()

    assert 0 <= found.lines[HERE].beat_age < 30
    assert 0 <= found.lines[HERE].up_for < 30
    assert found.lines[HERE].off_for is None
    assert 0 <= (found.lines[THERE].off_for or 0) < 30
    assert 0 <= cluster.with_rule_ages(found, [rule.pk]).rule_ages[rule.pk] < 30


def test_what_an_instance_announced_is_read_as_rules() -> None:
    incarnation = join(HERE)
    rules.deny(HERE, TOPIC)
    assert cluster.read().lines[HERE].applied is None

    rule_enforcement.announce(HERE, incarnation, snapshot(fresh=True))

    applied = cluster.read().lines[HERE].applied
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

    found = reading.page(row(first), unsealed=True)

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

    runs = reading.page(row(job.id), unsealed=False)
    arrange(Job.objects.ids([job.id]), state="SUCCEEDED", finished_at="2030-01-01T00:00Z")
    ended = reading.page(row(job.id), unsealed=False)

    assert [file.name for file in runs.files] == ["z-input"]
    assert [file.name for file in ended.files] == ["z-input", "a-output"]
    assert [attempt.state for attempt in ended.attempts] == ["SUCCEEDED"]
    assert ended.explanation is None
    assert ended.sealed is None


def test_a_page_has_the_attempt_that_a_retry_waits_after() -> None:
    join(HERE)
    job = running()
    decision = decide(snapshot().default.retry, cause=Cause.FAILED, failures=0, crashes=0)
    runs.requeue(job.key, decision, BROKE, cause=Cause.FAILED, changes={})

    (attempt,) = reading.page(row(job.id), unsealed=False).attempts

    assert (attempt.outcome, attempt.error, attempt.state) == ("failed", "no", None)


def test_the_pulse_moves_with_the_job_its_run_and_its_chances() -> None:
    run = Run.objects.create(id="run", workflow="dam/update")
    first, second = waiting(2, run_id=run.pk)
    seen = [reading.pulse(first)]

    def moved() -> bool:
        seen.append(reading.pulse(first))
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
