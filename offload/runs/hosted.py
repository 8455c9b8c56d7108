"""Runs that another cluster has sent whole: begun here, told of, and completed (P15)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from offload.core.attempt_key import AttemptKey
from offload.core.exceptions import InvalidName
from offload.core.progress import Progress
from offload.core.states import JobState
from offload.core.validation.filenames import NAME_BYTES_MAX, NameSet
from offload.core.workflows import plans, whole_runs
from offload.core.workflows.graphs import leaves
from offload.core.workflows.run_states import RunState
from offload.models import Job, PayloadFile, Run
from offload.runs.known import LOST, values
from offload.tracking import async_completion, finishing
from offload.tracking.peers import clones

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from offload.canvas.freezing.context import Origin
    from offload.core.workflows.plans import Plan
    from offload.runs.locking import Locked

#: The word of the lanes of its steps: they stay in this cluster (P10).
STAYS_HERE = "clone"


def source_of(row: Run, source: Origin) -> Origin:
    """Return the values that a run's jobs inherit; those of a hosted run belong to its clone."""
    return replace(source, root_id=row.parent_id, need=STAYS_HERE) if row.home else source


def tell_clone(run: Locked, plan: Plan, state: RunState, ended: Mapping[str, Any]) -> None:
    """Tell the clone of a run how far it is; complete it with the run's last end.

    The run's jobs come first, then the run, then its clone, whoever locks them.
    """
    row = run.row
    if not row.home:
        return
    clones.adopt(row.pk, home=row.home, epoch=row.home_epoch or 0)
    clone = _clone(row)
    if clone is None:
        return
    key = AttemptKey(job_id=clone.pk, epoch=clone.epoch, token=clone.token)
    if not state.is_final:
        finishing.report(key, Progress.of(*whole_runs.how_far(plan)))
        return
    _take_outputs(row, clone)
    value = _result(run, plan, ended) if state is RunState.SUCCEEDED else None
    async_completion.succeed(key, whole_runs.summary(run.graph, plan, value))


def _clone(row: Run) -> Job | None:
    mine = Job.objects.filter(pk=row.parent_id, home=row.home, home_epoch=row.home_epoch)
    return mine.filter(state=JobState.ACTIVE).select_for_update().first()


def _result(run: Locked, plan: Plan, ended: Mapping[str, Any]) -> Any:
    """Return the result of a run that succeeded, with None where it is lost."""
    tree = Run.objects.values_list("tree", flat=True).get(pk=run.row.pk)
    found = values(run, plan, set(leaves(tree)), ended)
    return plans.shaped(tree, {name: None if one is LOST else one for name, one in found.items()})


def _take_outputs(row: Run, clone: Job) -> None:
    """Make the files of the steps that succeeded outputs of the clone; names stay unique."""
    made = PayloadFile.objects.outputs().filter(job__run=row.pk).select_related("job")
    names, taken = NameSet(), set[str]()
    for file in made.order_by("job__created_at", "job_id", "name"):
        name = _free_name(names, file, taken)
        taken.add(name)
        PayloadFile.objects.filter(pk=file.pk).update(job=clone, epoch=clone.epoch, name=name)


def _free_name(names: NameSet, file: PayloadFile, taken: Collection[str]) -> str:
    """Return the name of a file at home: after its job, if an earlier file has the name."""
    for name in (file.name, f"{file.job_id}/{file.name}"[-NAME_BYTES_MAX:]):
        if name in taken:
            continue
        try:
            names.add(name)
        except InvalidName:
            continue
        return name
    return str(file.pk)
