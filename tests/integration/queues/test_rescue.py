"""Where lost jobs run again: elsewhere, at the same instance, or not at all (E4b)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import offload
from offload.core.exceptions import InvalidPlacement, InvalidQueue
from offload.core.placement.affinity import Affinity, Avoidance, Return
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.core.retries import Cause
from offload.core.states import JobState
from offload.diagnostics.lint import problems
from offload.dispatch import dispatching
from offload.fleet import membership
from offload.fleet.giving_back import give_back
from offload.fleet.snapshots import snapshot
from offload.jobs import losses
from offload.models import Job, Queue
from offload.queues import declared
from offload.tracking import claiming, selectors
from tests.integration.world import (
    HERE,
    THERE,
    TOPIC,
    bound,
    join,
    key_of,
    lose,
    place,
    row,
    running,
)

if TYPE_CHECKING:
    from tests.integration.world import Broker

pytestmark = pytest.mark.usefixtures("broker")
QUEUE = "rescued"


@pytest.fixture(autouse=True)
def _instances(broker: Broker) -> None:
    join(HERE)
    join(THERE)


def queue(**fields: Any) -> None:
    """Make the queue of this module's jobs."""
    Queue.objects.create(name=QUEUE, topics=[TOPIC], **fields)
    snapshot(fresh=True)


def crashed(**facts: Any) -> str:
    """Return a job whose process died here."""
    run = running(queue=QUEUE, **facts)
    losses.ended((run.id, 1), cause=Cause.CRASHED, detail="signal 9")
    return run.id


def gone(name: str = HERE) -> None:
    """Let an instance be lost."""
    assert membership.leave(name, place(name).incarnation, reason="gone", crash=True)
    snapshot(fresh=True)


def affinity(job_id: str) -> Affinity | None:
    """Return what keeps a job to instances."""
    return Lane.parse(row(job_id).lane).affinity


def where(job_id: str) -> str:
    """Bind what waits, and return the instance of a job."""
    dispatching.bind_due()
    return row(job_id).instance


def test_a_job_runs_elsewhere_than_where_it_was_lost_and_explain_says_so() -> None:
    queue(rescue="elsewhere")
    job_id = crashed()

    assert affinity(job_id) == Avoidance(names=(HERE,))
    found = offload.explain(offload.JobHandle(job_id))
    reasons = {one.instance: one.reason.obstacle for one in found.verdicts if one.reason}
    assert reasons == {HERE: Obstacle.LOST_THERE}
    assert dispatching.refill(HERE) == 0
    assert where(job_id) == THERE


def test_without_another_instance_it_runs_there_again_and_explain_says_so() -> None:
    queue(rescue="elsewhere")
    gone(THERE)
    job_id = crashed()

    sentence = offload.explain(offload.JobHandle(job_id)).sentence
    [noted] = [one for one in problems() if one.kind == "rescue_alone"]

    assert f"It was lost at {HERE} before, and no other instance can run it." in sentence
    assert HERE in noted.fact
    assert where(job_id) == HERE


def test_a_job_waits_for_its_instance_and_runs_there_when_it_is_back() -> None:
    queue(rescue="same")
    run = running(queue=QUEUE)
    gone()

    kept = affinity(run.id)
    assert isinstance(kept, Return)
    assert (kept.instance, kept.ends) == (HERE, False)
    assert where(run.id) == ""
    found = offload.explain(offload.JobHandle(run.id))
    assert f"The job was lost at {HERE} and waits for it until {kept.when}" in found.sentence

    join(HERE)
    assert where(run.id) == HERE


def test_a_crashed_process_runs_its_job_at_the_same_instance_at_once() -> None:
    queue(rescue="same", rescue_seconds=0)

    assert where(crashed()) == HERE


def test_a_job_whose_instance_is_not_back_in_time_runs_anywhere() -> None:
    queue(rescue="same", rescue_seconds=0)
    run = running(queue=QUEUE)
    gone()

    assert where(run.id) == THERE
    assert affinity(run.id) is None


def test_a_job_whose_instance_is_not_back_in_time_ends_if_its_queue_says_so() -> None:
    queue(rescue="same_or_error", rescue_seconds=0)
    run = running(queue=QUEUE)
    gone()

    assert where(run.id) == ""
    assert (run.row.state, run.row.aftermath_due) == (JobState.ERROR, True)
    assert run.row.error.startswith(f"It was lost at {HERE}, which was not back by ")
    step = offload.explain(offload.JobHandle(run.id)).next_step
    assert step == f"To run it once more: manage.py offload retry {run.id}"


def test_a_consumer_says_it_of_its_own_jobs() -> None:
    queue(rescue="same")
    job = bound(queue=QUEUE)[0]
    assert claiming.claim(key_of(job), rescue="elsewhere")

    lose(job.id, 1, cause=Cause.LOST, error="gone")

    assert affinity(job.id) == Avoidance(names=(HERE,))


def test_other_ends_leave_a_job_where_it_may_run() -> None:
    queue(rescue="elsewhere")
    stopped, waits = running(queue=QUEUE), bound(queue=QUEUE)[0]
    other = running()

    for job_id, cause in ((stopped.id, Cause.STOPPED_ORDERLY), (waits.id, Cause.LOST)):
        give_back(selectors.these([job_id]), cause=cause, error="gone", crash=False)
    lose(other.id, 1, cause=Cause.LOST, error="gone")

    assert [affinity(one) for one in (stopped.id, waits.id, other.id)] == [None] * 3


def test_a_lane_that_would_be_too_long_stays_as_it_is() -> None:
    queue(rescue="elsewhere")
    run = running(queue=QUEUE)
    long = str(Lane(topic=TOPIC, queue=QUEUE, needs="x" * 865))
    Job.objects.filter(pk=run.id).update(lane=long)

    lose(run.id, 1, cause=Cause.LOST, error="gone")

    assert run.row.lane == long


def test_the_settings_declare_it_and_invalid_words_are_refused(settings: Any) -> None:
    fields = {"topics": ["dam/index"], "rescue": "same", "rescue_seconds": 60}
    settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": {"back": fields}}
    declared.sync(remove=False)
    assert declared.difference() == declared.Difference()
    assert (Queue.objects.get(name="back").rescue, snapshot().policy("back").rescue.seconds) == (
        "same",
        60,
    )

    settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": {"back": {**fields, "rescue": "here"}}}
    with pytest.raises(InvalidQueue, match="here"):
        declared.difference()
    with pytest.raises(InvalidPlacement, match="is none of anywhere, elsewhere, same"):
        offload.consumer("dam/index", rescue="here")
