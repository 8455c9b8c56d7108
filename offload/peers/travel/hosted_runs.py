"""Runs that another cluster sends whole: begun in the place of its clone, and stopped (P15)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.context import Origin
from offload.core.exceptions import PermanentError
from offload.core.states import JobState
from offload.core.topics import RUN_TOPIC
from offload.core.workflows import plans, whole_runs
from offload.core.workflows.run_states import RunState
from offload.db import database
from offload.db.conflicts import retried
from offload.dispatch.submission import new_id
from offload.files.outputs import payload_for
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.jobs.stopping import stop_run
from offload.messaging.names import STEP_TASK, TOPIC_OPTION
from offload.models import Job, Run
from offload.peers.travel.options import travelling
from offload.runs.advancing import advance
from offload.runs.locking import Locked
from offload.tracking import async_completion
from offload.tracking.state_changes import stale_attempt

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey
    from offload.core.workflows.graphs import Graph, StepSpec
    from offload.core.workflows.whole_runs import WholeRun

#: Seconds for which a clone is handed over to its run: its home ends it earlier, if anybody does.
FOR_SECONDS = 5 * 365 * 86_400.0
#: Runs without their clone that are stopped at once.
BATCH_RUNS = 100


@retried
def begin(key: AttemptKey, order: str) -> None:
    """Store the run that a clone brings, and hand the clone over to it, in one transaction.

    Raise PermanentError if it is no run that can be led here, or no clone; StaleAttempt.
    """
    run = whole_runs.read({whole_runs.ORDER: order})
    with database.atomic():
        state = async_completion.hand_over(key, FOR_SECONDS)
        clone = Job.objects.select_related("payload").get(pk=key.job_id)
        if run is None or clone.home is None:
            raise PermanentError("it is no run that another cluster has sent")
        if state is None:
            raise stale_attempt(key)
        if not state.is_final:
            _begin(clone, run)


def _begin(clone: Job, order: WholeRun) -> None:
    graph = _led_here(order.graph)
    plan = plans.fresh(graph)
    written: dict[str, Any] = {
        "properties": dict(order.parameters), "graph": graph.facts(), "plan": plans.facts(plan),
        "tree": graph.result, "user_data": order.user_data,
    }  # fmt: skip
    row = Run.objects.create(
        id=new_id(),
        workflow=order.workflow,
        version=order.version,
        state=RunState.RUNNING.value,
        payload=payload_for(clone),
        parent_id=clone.pk,
        home=clone.home or "",
        home_epoch=clone.home_epoch,
        actor=f"{order.actor} of {clone.home}"[:255] if order.actor else "",
        reason=order.reason,
        **written,
    )
    source = Origin(run_id=row.pk, payload_id=row.payload_id, parent_id=clone.pk)
    advance(Locked(row=row, graph=graph, plan=plan), plan, source)


def _led_here(graph: Graph) -> Graph:
    """Return a graph whose calls name topics alone: which task runs them, this cluster says."""
    return replace(graph, steps=tuple(map(_own, graph.steps)))


def _own(spec: StepSpec) -> StepSpec:
    undo = spec.compensate
    if undo:
        undo = {"topic": undo["topic"], "signature": _call(undo["topic"], undo["signature"])}
    call = {} if spec.wait else _call(spec.topic, spec.signature)
    return replace(spec, signature=call, compensate=undo)


def _call(topic: str, given: Any) -> dict[str, Any]:
    options = travelling(given.get("options") or {})
    return {
        "task": STEP_TASK,
        "args": list(given.get("args") or ()),
        "kwargs": dict(given.get("kwargs") or {}),
        "options": {**options, TOPIC_OPTION: topic},
        "subtask_type": None,
        "immutable": given.get("immutable") is True,
    }


def stop(home: str, job_id: str, epoch: int, *, force: bool = False) -> None:
    """Stop the runs of a home's job, up to this epoch there: nothing begins in them any more.

    The caller holds the transaction, and locks the clone later than this.
    """
    found = Run.objects.filter(home=home, parent_id=job_id, home_epoch__lte=epoch)
    for run_id in found.filter(state=RunState.RUNNING).values_list("pk", flat=True):
        stop_run(run_id, force=force)


def leads(clone: Job) -> bool:
    """Return whether the end of a clone is that of a run here."""
    return clone.topic == RUN_TOPIC and clone.is_handed_over


def stop_left() -> int:
    """Stop the runs whose clone has ended without them; return how many.

    This needs no term: a run that is stopped twice is stopped once.
    """
    open_ = Job.objects.filter(state=JobState.ACTIVE, topic=RUN_TOPIC, home__isnull=False)
    known = {(one.pk, one.home, one.home_epoch) for one in open_.only("pk", "home", "home_epoch")}
    found = Run.objects.filter(state=RunState.RUNNING).exclude(home="")
    left = [
        run_id
        for run_id, *binding in found.filter(stop_requested=False).values_list(
            "pk", "parent_id", "home", "home_epoch"
        )
        if tuple(binding) not in known
    ]
    return for_each(left[:BATCH_RUNS], _stop)


@retried
def _stop(run_id: str) -> None:
    with database.atomic():
        stop_run(run_id)


LEFT = Duty(name="stop runs without their clone", do=stop_left, every=1.0, batch=BATCH_RUNS)
