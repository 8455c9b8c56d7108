"""How far a run is: each step, why it is so, and what may be done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.utils.timezone import localtime

from offload.core.workflows import compensations, plans
from offload.core.workflows.drawing import drawing
from offload.core.workflows.mermaid import mermaid
from offload.core.workflows.placements import Placement
from offload.core.workflows.plans import StepState
from offload.core.workflows.run_states import RunState
from offload.core.workflows.waits import WaitKind
from offload.models import Job
from offload.reading.runs import run_places, waiting_steps
from offload.reading.runs.run_lines import line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.states import JobState
    from offload.core.workflows.drawing import Drawing
    from offload.core.workflows.graphs import Graph, StepSpec
    from offload.core.workflows.plans import Entry, Plan
    from offload.models import Run
    from offload.reading.runs.run_lines import RunLine
    from offload.reading.runs.waiting_steps import WaitLine


@dataclass(frozen=True, slots=True, kw_only=True)
class StepLine:
    """A step, or one of its jobs, and how far it is."""

    name: str
    topic: str
    state: StepState
    #: The state of its job; None if it has none, or several.
    job_state: JobState | None
    job: str
    instance: str
    #: Why it waits, or why it ended so.
    why: str
    outputs: tuple[str, ...]
    #: The person, token, event or time that it waits for now; None for another step.
    wait: WaitLine | None = None

    @property
    def can_skip(self) -> bool:
        """Tell whether it can be left out."""
        return self.state is StepState.WAITING

    @property
    def can_decide(self) -> bool:
        """Tell whether it can be approved or rejected."""
        return self.wait is not None and self.wait.kind is WaitKind.APPROVAL


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """All about one run."""

    line: RunLine
    parameters: Any
    user_data: Any
    parent_id: str
    #: The run that it restarts or copies, and how; and those that do so with it.
    former: str
    relation: str
    later: tuple[tuple[str, str], ...]
    stop_requested: bool
    #: None where Celery's canvas leads the run.
    graph: Graph | None
    steps: tuple[StepLine, ...]
    #: The done steps of a run that failed whose compensation failed too.
    not_undone: tuple[str, ...] = ()
    #: How its steps' instances are chosen; the one that it is placed at, and how often it was.
    placement: str = ""
    instance: str = ""
    placement_epoch: int = 0
    #: Why no instance can do all that is left of it; "" if one does.
    unplaced: str = ""
    #: The cluster that has sent it whole; "" for an own run.
    home: str = ""
    #: Of a run that another cluster gets whole: its one job, and how far that is.
    whole: str = ""

    @property
    def placed(self) -> str:
        """Return where its steps run, as a sentence; "" if each is placed by itself."""
        return run_places.sentence(self)

    @property
    def can_place(self) -> bool:
        """Tell whether an instance can be chosen for what is left of it here."""
        return bool(self.graph) and self.can_stop and self.placement != Placement.PEER

    @property
    def drawing(self) -> Drawing | None:
        """Return the picture of its steps."""
        return drawing(self.graph) if self.graph else None

    @property
    def mermaid(self) -> str:
        """Return its steps as Mermaid text."""
        return mermaid(self.graph) if self.graph else ""

    @property
    def states(self) -> Mapping[str, StepState]:
        """Return the states of its steps by name."""
        return {one.name: one.state for one in self.steps}

    @property
    def can_stop(self) -> bool:
        """Tell whether a request to stop would change anything."""
        return not self.line.state.is_final

    @property
    def can_pause(self) -> bool:
        """Tell whether it can be paused."""
        return self.can_place and not self.line.paused

    @property
    def can_resume(self) -> bool:
        """Tell whether it is paused and can go on."""
        return self.can_stop and self.line.paused

    @property
    def can_restart(self) -> bool:
        """Tell whether it can be restarted from what was not done."""
        if self.home:
            return False
        again = any(how == "restart" for _, how in self.later)
        unsuccessful = self.line.state in (RunState.FAILED, RunState.STOPPED)
        return bool(self.graph) and unsuccessful and not again and not self.not_undone


def page(row: Run) -> RunPage:
    """Return all about a run."""
    graph, plan = row.led or (None, {})
    return RunPage(
        line=line(row),
        parameters=row.properties,
        user_data=row.user_data,
        parent_id=row.parent_id,
        former=row.former_id or "",
        relation=row.relation,
        later=tuple(row.later.order_by("created_at").values_list("pk", "relation")),
        stop_requested=row.stop_requested,
        graph=graph,
        steps=_steps(row, graph, plan) if graph else _jobs(row),
        not_undone=compensations.not_undone(graph, plan) if graph else (),
        placement=row.placement,
        instance=row.instance,
        placement_epoch=row.placement_epoch,
        unplaced=run_places.unplaced(row, graph, plan) if graph else "",
        home=row.home,
        whole=run_places.whole(row) if row.placement == Placement.PEER else "",
    )


def _jobs(row: Run) -> tuple[StepLine, ...]:
    """Return the jobs of a run that Celery's canvas leads."""
    return tuple(
        StepLine(
            name=job.topic, topic=job.topic, job_state=job.job_state, job=job.pk,
            state=plans.ended_as(job.state) if job.is_finished else StepState.RUNNING,
            instance=job.instance, why=job.error, outputs=(),
        )
        for job in row.jobs.order_by("created_at", "id").without_values()
    )  # fmt: skip


def _steps(row: Run, graph: Graph, plan: Plan) -> tuple[StepLine, ...]:
    jobs = Job.objects.filter(pk__in=plans.jobs(plan)).without_values().in_bulk()
    begun = any(one.begun and not one.state.is_final for one in plan.values())
    waits = waiting_steps.of_run(row.pk) if begun else {}
    return tuple(
        _step(row, spec, name, plan, graph, jobs, waits.get(name))
        for spec in (*graph.steps, *(one for one in graph.undos.values() if one.name in plan))
        for name in (spec.name, *plans.members(plan, spec.name))
    )


def _step(
    row: Run,
    spec: StepSpec,
    name: str,
    plan: Plan,
    graph: Graph,
    jobs: Mapping[str, Job],
    wait: WaitLine | None,
) -> StepLine:
    entry = plan[name]
    job = jobs.get(entry.job)
    return StepLine(
        name=name,
        topic=spec.topic,
        state=entry.state,
        job_state=job.job_state if job else None,
        job=entry.job,
        instance=job.instance if job else "",
        why=_until(entry.note, wait) or _waits(row, spec, entry, plan, graph),
        outputs=spec.outputs,
        wait=wait,
    )


def _until(note: str, wait: WaitLine | None) -> str:
    if wait is None or wait.due is None:
        return note
    moment = f"{localtime(wait.due):%Y-%m-%d %H:%M:%S}"
    return f"{note}, no longer than {moment}" if wait.is_limit else f"{note}, at {moment}"


def _waits(row: Run, spec: StepSpec, entry: Entry, plan: Plan, graph: Graph) -> str:
    if entry.state is not StepState.WAITING:
        return ""
    if spec.name in graph.undos:
        return "waits for compensations before it"
    needed = [one for one in graph.needs(spec) if not plan[one].state.is_final]
    if needed:
        return f"waits for {', '.join(needed)}"
    return "waits because the run is paused" if row.paused else ""
