"""Jobs that ran out of memory or time require more of the next instance."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

import offload
from offload.core.exceptions import InvalidPlacement, InvalidQueue
from offload.core.matching.escalation import Escalation, Shortage
from offload.core.matching.requirements import Requirements
from offload.core.outcomes import ErrorInfo, Failed
from offload.core.placement.affinity import Affinity
from offload.core.placement.lanes import Lane
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.diagnostics.lint import problems
from offload.jobs import losses
from offload.jobs.decisions import decided
from offload.models import Instance, Job, Queue
from offload.models.versions import raise_version
from offload.queues import declared, own_retries, policies
from offload.reading.jobs import history
from offload.tracking import claiming
from offload.tracking.binding.bindings import bind
from offload.worker.pool.finish import finish
from offload.worker.tasks.current_job import CurrentJob
from tests.arranging import arrange
from tests.integration.world import (
    FACTS,
    HERE,
    THERE,
    TOPIC,
    Broker,
    Running,
    join,
    key_of,
    place,
    running,
    statements,
)

SMALL = Requirements.of({"ram_gb": {">=": 8}})
FULL = Failed(cause=Cause.FAILED, error=ErrorInfo.of(MemoryError, "full"))
WRONG = Failed(cause=Cause.FAILED, error=ErrorInfo.of(ValueError, "no"))


@pytest.fixture(autouse=True)
def _boots(broker: Broker) -> None:
    """Let a small and a greater instance be here."""
    join(HERE, facts={"ram_gb": 8, "system": "linux"})
    join(THERE, facts={"ram_gb": 24})


def run(own: object = None, **facts: Any) -> Running:
    """Return a job that runs on the small instance and has an escalation of its own."""
    options = own_retries.frozen(None, None, Escalation.of(own or {}))
    return running(**{"requires": SMALL, "options": options, **facts})


def fail(run: Running, outcome: Failed, **task: Any) -> None:
    """End an attempt so, as a consumer with these options."""
    job = CurrentJob(
        id=run.id, topic=TOPIC, epoch=run.key.epoch, attempt=run.claimed.attempts,
        attempt_key=run.key, instance=HERE, claimed=run.claimed,
    )  # fmt: skip
    consumer: Any = SimpleNamespace(retried_by_queue=True, **task)
    assert finish(consumer, job, FACTS, outcome).state is JobState.PENDING


def required(run: Running) -> dict[str, Any]:
    """Return what the next attempt requires."""
    return Lane.parse(run.row.lane).requires.given


def test_memory_that_was_too_little_is_doubled_and_explained() -> None:
    one = run({"ram_gb": 2})

    fail(one, FULL)

    said = "ram_gb was raised from 8 to 16: attempt 1 ran out of memory."
    assert required(one) == {"ram_gb": {">=": 16}}
    found = offload.explain(offload.JobHandle(one.id))
    assert (found.requires.given, said in found.sentence) == ({"ram_gb": {">=": 16}}, True)
    assert found.as_dict()["raised"] == [
        {"attempt": 1, "name": "ram_gb", "before": 8, "after": 16, "shortage": "out_of_memory"}
    ]
    assert {one.instance: one.can_run for one in found.verdicts} == {HERE: False, THERE: True}
    assert [one.raised for one in history.attempts(one.row)] == [said]


def test_nothing_is_raised_beyond_what_a_known_instance_has() -> None:
    one = run({"ram_gb": 5})
    fail(one, FULL)
    assert required(one) == {"ram_gb": {">=": 24}}

    arrange(Job.objects.filter(pk=one.id), run_at=None)
    again = bind(place(THERE), [Lane.parse(one.row.lane)], limit=1)[0]
    key = key_of(again)
    claimed = claiming.claim(key)
    assert claimed is not None
    fail(Running(key=key, claimed=claimed), FULL)

    assert required(one) == {"ram_gb": {">=": 24}}
    stays = "ram_gb stays at 24, although attempt 2 ran out of memory: no known instance"
    assert stays in offload.explain(offload.JobHandle(one.id)).sentence


@pytest.mark.parametrize(
    ("own", "outcome"),
    [
        ({"ram_gb": 2}, WRONG),
        ({"ram_gb": {"times": 2, "after": "timed_out"}}, FULL),
        ({"ram_gb": 1}, FULL),
        ({"vram_gb": 2}, FULL),
        ({}, FULL),
    ],
)
def test_other_failures_raise_nothing(own: Any, outcome: Failed) -> None:
    one = run(own)

    fail(one, outcome)

    assert required(one) == SMALL.given
    assert own_retries.escalated_in(one.row.options) == ()


def test_a_job_comes_before_its_consumer_and_that_before_its_queue() -> None:
    policies.add("wide", [TOPIC], retry_with={"ram_gb": 1.25, "disk_gb": 2, "cpus": 3})
    asked = Requirements.of({"ram_gb": {">=": 8}, "disk_gb": {">": 1}, "cpus": {">=": 1}})
    Instance.objects.update(facts={"ram_gb": 64, "disk_gb": 64, "cpus": 64})
    raise_version()
    one = run({"ram_gb": 2}, queue="wide", requires=asked)

    fail(one, FULL, retry_with={"ram_gb": 3, "disk_gb": 4})

    assert required(one) == {
        "ram_gb": {">=": 16}, "disk_gb": {">": 1, ">=": 4}, "cpus": {">=": 3},
    }  # fmt: skip


def test_what_the_consumer_or_the_queue_requires_is_raised_in_the_job() -> None:
    policies.add("wide", [TOPIC], requires={"ram_gb": {">=": 6}})
    one = run({"ram_gb": 2}, queue="wide", requires=Requirements())

    fail(one, FULL, requires={"ram_gb": {">=": 8}})

    assert required(one) == {"ram_gb": {">=": 16}}
    assert Queue.objects.get().requires == {"ram_gb": {">=": 6}}


def test_a_time_limit_raises_and_a_lost_or_stopped_run_does_not() -> None:
    slow, dead, gone, forced = (run({"ram_gb": 2}) for _ in range(4))

    losses.ended((slow.id, 1), cause=Cause.TIMED_OUT, detail="over 60 s")
    losses.ended((dead.id, 1), cause=Cause.CRASHED, detail="exit 1")
    losses.ended((gone.id, 1), cause=Cause.LEASE_EXPIRED, detail="lease")
    losses.ended((forced.id, 1), cause=Cause.STOPPED_FORCED, detail="killed")

    raised = [required(one)["ram_gb"][">="] for one in (slow, dead, gone, forced)]
    assert raised == [16, 8, 8, 8]


def test_a_process_that_the_kernel_killed_ran_out_of_memory_and_counts_as_a_crash() -> None:
    one = run({"ram_gb": 2})

    losses.ended((one.id, 1), cause=Shortage.OUT_OF_MEMORY, detail="signal 9")

    assert required(one) == {"ram_gb": {">=": 16}}
    assert (one.row.crashes, one.row.hold, one.row.error) == (1, "suspect", "signal 9")


def test_a_lane_that_changed_meanwhile_is_left_alone() -> None:
    one = run({"ram_gb": 2}, affinity=Affinity(instance=HERE))
    moved = Lane.parse(one.row.lane)
    call = losses.raised(one.row, Cause.TIMED_OUT, FULL.error)
    Job.objects.filter(pk=one.id).update(lane=f"{moved}".replace("gpu1", "gpu2"))

    losses.end(
        one.key, decided(losses.policy_of(one.row), one.row, Cause.FAILED),
        FULL.error, Cause.FAILED, call=call,
    )  # fmt: skip

    assert (required(one), "gpu2" in one.row.lane) == (SMALL.given, True)
    assert own_retries.escalated_in(one.row.options) == ()


def test_a_failure_without_an_escalation_asks_nothing_more() -> None:
    plain, raising = run(), run({"ram_gb": 2})

    with statements() as usual:
        fail(plain, FULL)
    with statements() as more:
        fail(raising, FULL)

    assert len(more) == len(usual) + 1


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ({"ram_gb": 2}, "nothing requires a least number of ram_gb"),
        ({"system": 2}, 'system == "linux" is no least number'),
        ({"disk_gb": 0.5}, "0.5 is not a number from 1 to 100"),
        ({"disk_gb": {"times": 2, "after": "crashed"}}, "out_of_memory, timed_out"),
        ({"disk_gb": {"factor": 2}}, "takes a factor"),
        ({"labels": 2}, "no name of a property"),
        ("ram_gb", "no object"),
    ],
)
def test_what_cannot_be_raised_stores_nothing(asked: Any, problem: str) -> None:
    requires = {"system": "linux", "disk_gb": {">=": 1}}
    with pytest.raises(InvalidPlacement, match=problem):
        offload.submit(TOPIC, requires=requires, retry_with=asked)
    assert Job.objects.count() == 0


def test_a_queue_that_raises_what_nothing_requires_is_noted() -> None:
    policies.add("wide", [TOPIC], retry_with={"vram_gb": 2})
    with pytest.raises(InvalidQueue, match="no object"):
        policies.add("odd", [TOPIC], retry_with="much")

    [noted] = [one for one in problems() if one.kind == "escalation_unused"]
    assert (noted.subject, "vram_gb" in noted.fact) == ("wide", True)
    policies.change(policies.find("wide"), requires={"vram_gb": {">=": 1}})
    assert not [one for one in problems() if one.kind == "escalation_unused"]


def test_a_queue_that_the_settings_declare_may_raise(settings: Any) -> None:
    queues = {"wide": {"topics": [TOPIC], "requires": SMALL.given, "retry_with": {"ram_gb": 2}}}
    settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": queues}
    declared.sync(remove=False)

    assert declared.difference() == declared.Difference()
    assert offload.submit(TOPIC, retry_with={"ram_gb": 3}).row.state == "QUEUED"


def test_a_repetition_of_a_job_requires_what_the_last_attempt_did() -> None:
    one = run({"ram_gb": 2})
    fail(one, FULL)
    offload.stop(one.id)

    assert offload.retry(one.id).row.lane == one.row.lane
