"""The one job at home that a run is which another cluster gets whole (P15)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.envelopes import RUN_TASK
from offload.core.topics import RUN_TOPIC
from offload.core.workflows import plans, whole_runs
from offload.core.workflows.whole_runs import ORDER, WholeRun
from offload.dispatch import submission
from offload.models import Job, Run
from offload.runs import placing
from offload.runs.step_waits import STEP
from offload.tracking.drafts import Draft

if TYPE_CHECKING:
    from offload.canvas.following.tail import Ended
    from offload.canvas.freezing.context import Origin
    from offload.core.workflows.plans import Plan
    from offload.runs.locking import Locked


def of(run_id: str) -> Job | None:
    """Return the placeholder of a run; None if it has none."""
    found = Job.objects.filter(run=run_id, topic=RUN_TOPIC, home=None)
    return found.order_by("-created_at").first()


def begun(run: Locked, plan: Plan, source: Origin) -> Plan:
    """Store the placeholder of a run that has none; return the plan then.

    Nothing else begins here. The plan changes with the end of the placeholder alone, also if the
    run is stopped: what home believes to wait may run already (P7).
    """
    if of(run.row.pk) is None:
        if run.row.stop_requested:
            return plans.stopped(plan)
        placing.settle(run, plan)
        submission.store([_draft(run, source)])
    return plan


def _draft(run: Locked, source: Origin) -> Draft:
    row = Run.objects.get(pk=run.row.pk)
    order = WholeRun(
        workflow=row.workflow, graph=run.graph, version=row.version, parameters=row.properties,
        user_data=row.user_data, actor=row.actor, reason=row.reason,
    )  # fmt: skip
    return Draft(
        id=submission.new_id(),
        topic=RUN_TOPIC,
        task=RUN_TASK,
        queue=submission.choose_queue(RUN_TOPIC, None),
        properties={ORDER: order.written()},
        options={STEP: RUN_TOPIC},
        parent_id=source.parent_id,
        root_id=source.root_id,
        run_id=row.pk,
        payload_id=row.payload_id,
        affinity=placing.kept_to(run.row),
    )


def ended(run: Locked, end: Ended) -> Plan:
    """Return the plan of a run whose placeholder has ended: as it came home, or without it."""
    if end.state == "SUCCESS":
        plan = whole_runs.come_home(run.graph, end.value)
        if plan is not None:
            return plan
        note = "what came home of it cannot be read"
        return whole_runs.not_come_home(run.graph, run.plan, plans.StepState.FAILED, note)
    state = plans.ended_as(end.job_state or end.cause.state)
    note = end.error or "the run was stopped"
    return whole_runs.not_come_home(run.graph, run.plan, state, note[: plans.NOTE_MAX])


def result_of(job: Job, value: Any) -> Any:
    """Return the result of a run that came home, from the value of its placeholder."""
    return value.get("result") if job.topic == RUN_TOPIC and isinstance(value, dict) else value
