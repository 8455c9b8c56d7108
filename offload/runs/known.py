"""The facts for steps that are due: results of earlier ones, and media types of files."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.db.models import F, Q

from offload.core.exceptions import MissingResult
from offload.core.states import JobState
from offload.core.workflows import plans
from offload.core.workflows.conditions import Facts
from offload.core.workflows.plans import StepState
from offload.models import Job, PayloadFile
from offload.results import result_backend
from offload.runs.step_waits import values_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from offload.core.workflows.graphs import StepSpec
    from offload.core.workflows.plans import Plan
    from offload.runs.locking import Locked


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The facts for steps that are due, and the steps whose results are gone."""

    facts: Facts
    lost: frozenset[str] = frozenset()


def known(run: Locked, plan: Plan, specs: Sequence[StepSpec], ended: Mapping[str, Any]) -> Known:
    """Return the facts that these steps ask for; nothing is read for those that ask for nothing.

    ``ended`` has the values of jobs that end in this transaction, by their ids.
    """
    found = values(run, plan, plans.asked(run.graph, specs), ended)
    lost = frozenset(name for name, value in found.items() if value is LOST)
    files = media_types(run, plan) if any(one.asks_files for one in specs) else {}
    return Known(facts=Facts(values=found, files=files), lost=lost)


def values(
    run: Locked, plan: Plan, names: Collection[str], ended: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the results of these steps; LOST for one that is gone."""
    rows = {**rows_of(plan, names, ended), **ended}
    waited = values_of(run.row.pk, [name for name in names if plan[name].begun])
    return {name: waited.get(name, _value(plan, name, rows)) for name in names}


#: Stands for a result that neither the row nor Celery's backend has any more.
LOST = object()


def rows_of(plan: Plan, names: Iterable[str], ended: Collection[str]) -> dict[str, Any]:
    """Return the results of these steps' jobs by their ids, except those that end now.

    For a result that the row does not have, it is the job.
    """
    ids = {plan[one].job for name in names for one in (name, *plans.members(plan, name))}
    asked = ids - {"", *ended}
    if not asked:
        return {}
    # Not whole rows: a last step may wait for a thousand, with properties and options.
    found = Job.objects.filter(pk__in=asked).order_by().values_list("pk", "result")
    return {pk: Job(pk=pk) if value is None else value for pk, value in found}


def _value(plan: Plan, name: str, rows: Mapping[str, Any]) -> Any:
    entry = plan[name]
    if entry.members is not None:
        each = [_value(plan, one, rows) for one in plans.members(plan, name)]
        return LOST if LOST in each else each
    if entry.state is not StepState.SUCCEEDED or entry.begun:
        return None
    try:
        found = rows[entry.job]
        return result_backend.value_of(found) if isinstance(found, Job) else found
    except (KeyError, MissingResult, TimeoutError):
        return LOST


def media_types(run: Locked, plan: Plan) -> dict[str, str]:
    """Return the media types of the run's inputs, and of what its steps have made, by name."""
    made = Q(job__in=plans.jobs(plan), job__state=JobState.SUCCEEDED, epoch=F("job__epoch"))
    files = PayloadFile.objects.filter(Q(job=None) | made, payload=run.row.payload_id)
    return dict(files.values_list("name", "media_type"))
