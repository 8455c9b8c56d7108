"""Changes of runs by people: stop, pause, resume, skip, place, undone, restart; each recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.context import Origin
from offload.core.exceptions import RunRefused, UnknownInstance, UnknownRun, UnknownStep
from offload.core.workflows import compensations, plans, restarts
from offload.core.workflows.placements import Placement
from offload.core.workflows.plans import Entry, StepState
from offload.core.workflows.run_states import RunState
from offload.db import database
from offload.db.conflicts import retried
from offload.dispatch.submission import new_id
from offload.fleet.snapshots import snapshot
from offload.jobs.stopping import stop_run
from offload.models import Job, Run
from offload.operations.changes.runs import RunAction, record
from offload.runs import placing, relocating, step_waits
from offload.runs.advancing import advance
from offload.runs.locking import Locked, locked
from offload.tracking import lane_changes

if TYPE_CHECKING:
    from offload.core.workflows.plans import Plan
    from offload.operations.changes.actors import Actor

CANVAS = (
    "has tasks of Celery's own among its steps, or options for several, so Celery's canvas leads "
    "it: it can only be stopped"
)


@retried
def stop(run_id: str, *, force: bool = False, by: Actor | None = None, note: str = "") -> None:
    """Ask every step of a run to stop; nothing begins in it any more (K4)."""
    with database.atomic():
        run = stop_run(run_id, force=force) or _open(run_id)
        record(RunAction.FORCE if force else RunAction.STOP, run.row, by, note)


@retried
def pause(run_id: str, *, by: Actor | None = None, note: str = "") -> None:
    """Begin no further step of a run until it is resumed; steps that have begun go on."""
    with database.atomic():
        run = _open(run_id)
        _refuse_whole(run.row, "paused")
        if run.row.paused:
            raise RunRefused(run_id=run_id, problem="is paused already")
        run.row.paused = True
        run.row.save(update_fields=["paused"])
        record(RunAction.PAUSE, run.row, by, note)


@retried
def resume(run_id: str, *, by: Actor | None = None, note: str = "") -> None:
    """Let a paused run go on."""
    with database.atomic():
        run = _open(run_id)
        if not run.row.paused:
            raise RunRefused(run_id=run_id, problem="is not paused")
        run.row.paused = False
        run.row.save(update_fields=["paused"])
        advance(run, run.plan, _source(run.row))
        record(RunAction.RESUME, run.row, by, note)


@retried
def skip(run_id: str, step: str, *, by: Actor | None = None, note: str = "") -> None:
    """Leave a step out that has not begun; what waits for it gets None for its result."""
    with database.atomic():
        run = _open(run_id)
        _refuse_whole(run.row, "changed by one step")
        entry = run.plan.get(step)
        if entry is None:
            raise UnknownStep(run_id=run_id, step=step, known=tuple(run.graph.by_name))
        if entry.state is not StepState.WAITING:
            problem = f"cannot skip {step}, which is {entry.state}: only a step that waits"
            raise RunRefused(run_id=run_id, problem=problem)
        why = ": ".join(filter(None, [f"by {by.name}" if by else "by hand", note]))
        end = Entry(state=StepState.SKIPPED, note=why)
        advance(run, plans.after(run.graph, run.plan, step, end), _source(run.row))
        record(RunAction.SKIP, run.row, by, note, about=step)


@retried
def undone(run_id: str, step: str, *, by: Actor | None = None, note: str = "") -> None:
    """Note that somebody undid a step by hand whose compensation failed; it counts as undone."""
    with database.atomic():
        run = _locked(run_id)
        if step not in run.graph.by_name:
            raise UnknownStep(run_id=run_id, step=step, known=tuple(run.graph.by_name))
        why = ": ".join(filter(None, [f"undone by {by.name}" if by else "undone by hand", note]))
        plan = compensations.undone_by_hand(run.graph, run.plan, step, why)
        if plan is None:
            problem = f"has nothing left to undo of {step}: its compensation has not failed"
            raise RunRefused(run_id=run_id, problem=problem)
        run.row.plan = plans.facts(plan)
        run.row.not_undone = len(compensations.not_undone(run.graph, plan))
        run.row.save(update_fields=["plan", "not_undone"])
        record(RunAction.UNDONE, run.row, by, note, about=step)


@retried
def place(run_id: str, instance: str, *, by: Actor | None = None, note: str = "") -> None:
    """Let an instance do all steps of a run that have not begun; "" places each by itself again.

    Raise UnknownInstance, and RunRefused if it cannot do all of them.
    """
    with database.atomic():
        lane_changes.lock_run(run_id)
        run = _open(run_id)
        row = run.row
        _refuse_whole(row, "placed at an instance")
        if instance:
            _check_able(run, instance)
        elif row.placement != Placement.TOGETHER:
            raise RunRefused(run_id=run_id, problem="is at no instance as a whole already")
        row.placement = Placement.TOGETHER if instance else Placement.ANY
        placing.place(row, instance, reason=f"by {by.name}" if by else "by hand")
        lane_changes.keep_to(run_id, relocating.affinity_of(run))
        record(RunAction.PLACE if instance else RunAction.UNPLACE, row, by, note, about=instance)


def _refuse_whole(row: Run, what: str) -> None:
    """Raise RunRefused if another cluster leads the run, which has its own pages for it."""
    if row.placement == Placement.PEER:
        problem = f"is one job of another cluster, and cannot be {what} here: stop it, or wait"
        raise RunRefused(run_id=row.pk, problem=problem)


def _check_able(run: Locked, instance: str) -> None:
    row, topology = run.row, snapshot(fresh=True).topology
    if topology.instance(instance) is None:
        raise UnknownInstance(name=instance, known=[one.name for one in topology.everyone])
    if row.instance == instance and row.placement == Placement.TOGETHER:
        raise RunRefused(run_id=row.pk, problem=f"is placed at {instance} already")
    found = placing.able(row, run.graph, run.plan)
    reasons = [one.reason for one in found.verdicts if one.instance == instance and one.reason]
    if reasons:
        problem = f"cannot be placed at {instance}: {reasons[0].detail.rstrip('.')}"
        raise RunRefused(run_id=row.pk, problem=problem)


@retried
def restart(run_id: str, *, by: Actor | None = None, note: str = "") -> str:
    """Do again what a run that has ended has not done; return the id of the new run.

    Steps that are done keep their jobs and outputs. A run is restarted once; its restart can be
    restarted in turn.
    """
    with database.atomic():
        run = _locked(run_id)
        plan = _restartable(run)
        row = _again(run.row, plan, by, note)
        step_waits.copy(run.row, row, plan)
        new = Locked(row=row, graph=run.graph, plan=plan)
        advance(new, plan, _source(row), strict=True)
        record(RunAction.RESTART, run.row, by, note, about=row.pk)
    return str(row.pk)


def restart_plan(run_id: str) -> Plan:
    """Return the plan with which a run would be restarted; raise what ``restart`` raises."""
    with database.atomic():
        return _restartable(_locked(run_id))


def _restartable(run: Locked) -> Plan:
    row = run.row
    problem = ""
    if row.state == RunState.RUNNING:
        problem = "has not ended: stop it first"
    elif row.home:
        problem = f"belongs to {row.home}: restart it there"
    elif row.state == RunState.SUCCEEDED:
        problem = "has succeeded. Copy it to do it all again"
    elif later := row.later.filter(relation="restart").first():
        problem = f"was restarted as {later.pk}: restart that"
    elif left := compensations.not_undone(run.graph, run.plan):
        problem = (
            f"was not undone wholly: {', '.join(left)}. Undo that by hand and say so: "
            f"manage.py offload runs undone {row.pk} STEP"
        )
    is_whole = row.placement == Placement.PEER
    plan = plans.fresh(run.graph) if is_whole else restarts.restarted(run.graph, run.plan)
    kept = plans.jobs(plan)
    if not problem and Job.objects.filter(pk__in=kept).count() < len(kept):
        problem = "has steps whose jobs were deleted since. Copy it to do it all again"
    if problem:
        raise RunRefused(run_id=row.pk, problem=problem)
    return plan


def _again(row: Run, plan: Plan, by: Actor | None, note: str) -> Run:
    columns: dict[str, Any] = {
        name: getattr(row, name)
        for name in (
            "workflow", "version", "properties", "payload_id", "canvas", "graph", "tree",
            "user_data", "placement", "near_seconds", "peer",
        )
    }  # fmt: skip
    columns["plan"] = plans.facts(plan)
    return Run.objects.create(
        id=new_id(),
        former=row,
        relation="restart",
        actor=by.name[:255] if by else "",
        reason=note[:255],
        **columns,
    )


def _locked(run_id: str) -> Locked:
    run = locked(run_id)
    if run is None:
        if Run.objects.filter(pk=run_id).exists():
            raise RunRefused(run_id=run_id, problem=CANVAS)
        raise UnknownRun(run_id=run_id)
    return run


def _open(run_id: str) -> Locked:
    run = _locked(run_id)
    if run.row.state != RunState.RUNNING:
        raise RunRefused(run_id=run_id, problem=f"has ended: it is {run.row.state}")
    return run


def _source(row: Run) -> Origin:
    return Origin(run_id=row.pk, payload_id=row.payload_id, parent_id=row.parent_id)
