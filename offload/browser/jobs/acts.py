"""Changes that operators make to jobs, one or many: bounded, logged, and reported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from offload.browser.audit_log import record
from offload.db import database
from offload.db.conflicts import retried
from offload.models import Job
from offload.models.jobs import JobQuerySet
from offload.operations import bulk

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.utils.functional import _StrPromise

    from offload.operations.bulk import BulkResult, Changed, Refused, Which

#: Jobs that were passed over and are named with the reason.
NAMED_JOBS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """An action on jobs, for a button, a list and the question before it."""

    name: str
    #: As a list offers it.
    label: _StrPromise
    #: What it comes to, asked before it is done to many.
    means: _StrPromise
    done: _StrPromise
    logged: _StrPromise
    do: Callable[[Which], BulkResult]
    #: Narrows a question down to the jobs that it can change.
    able: Callable[[JobQuerySet], JobQuerySet]
    #: Asked before, however few jobs it is done to.
    is_risky: bool = False


RETRY = Act(
    name="retry",
    label=gettext_lazy("Retry selected jobs"),
    means=gettext_lazy(
        "Each is submitted once more as a new job, with the same properties and files. "
        "Those that were retried before are passed over: their retries can be retried."
    ),
    done=ngettext_lazy(
        "%(count)d job was submitted again.", "%(count)d jobs were submitted again.", "count"
    ),
    logged=gettext_lazy("Retried as a new job."),
    do=bulk.retry,
    able=JobQuerySet.retriable,
)
STOP = Act(
    name="stop",
    label=gettext_lazy("Stop selected jobs"),
    means=gettext_lazy(
        "Those that wait end at once. Those that run are asked, and end when they look."
    ),
    done=ngettext_lazy(
        "%(count)d job was asked to stop.", "%(count)d jobs were asked to stop.", "count"
    ),
    logged=gettext_lazy("Stop requested."),
    do=bulk.stop,
    able=JobQuerySet.stoppable,
)
FORCE = Act(
    name="force",
    label=gettext_lazy("Stop selected jobs by force"),
    means=gettext_lazy(
        "Their processes are killed where they run: what is half done stays half done, and no "
        "code of theirs cleans up. Instances whose pool has no process per job cannot do this; "
        "there they are only asked. Those that wait end at once."
    ),
    done=ngettext_lazy(
        "%(count)d job is stopped by force.", "%(count)d jobs are stopped by force.", "count"
    ),
    logged=gettext_lazy("Stop by force requested."),
    do=partial(bulk.stop, force=True),
    able=partial(JobQuerySet.stoppable, force=True),
    is_risky=True,
)
REMOVE = Act(
    name="remove",
    label=gettext_lazy("Remove selected jobs that wait"),
    means=gettext_lazy(
        "They end as DROPPED and never run. Those that run already are passed over."
    ),
    done=ngettext_lazy("%(count)d job was removed.", "%(count)d jobs were removed.", "count"),
    logged=gettext_lazy("Removed before it ran."),
    do=bulk.remove,
    able=JobQuerySet.removable,
    is_risky=True,
)
ACTS: Mapping[str, Act] = MappingProxyType({act.name: act for act in (RETRY, STOP, FORCE, REMOVE)})


@retried
def do_one(act: Act, job: Job, *, by: Any) -> BulkResult:
    """Do it to one job and log it, in one transaction; a retry is made however often."""
    do = partial(bulk.retry, again=True) if act is RETRY else act.do
    with database.atomic():
        result = do([job.pk])
        if result.changed:
            record(by.pk, [job], str(act.logged))
    return result


def do_many(act: Act, which: Which, *, by: Any) -> BulkResult:
    """Do it to as many jobs as one request may change, and log it."""
    result = act.do(which)
    if result.changed:
        rows = Job.objects.ids(one.id for one in result.changed).only("topic")
        record(by.pk, list(rows), str(act.logged))
    return result


def told_of_one(act: Act, result: BulkResult) -> tuple[int, str]:
    """Return how, and in which words, to tell what became of one job."""
    if not result.changed:
        return messages.ERROR, result.refused[0].reason
    return messages.SUCCESS, _of_one(act, result.changed[0])


def told_of_many(act: Act, result: BulkResult) -> list[tuple[int, str]]:
    """Return how, and in which words, to tell what became of many jobs."""
    told = [(messages.SUCCESS, str(act.done % {"count": len(result.changed)}))]
    if result.left:
        text = ngettext(
            "%(count)s more is left: one request changes no more than that. Do it again.",
            "%(count)s more are left: one request changes no more than that. Do it again.",
            result.left,
        )
        told.append((messages.WARNING, text % {"count": _number(result.left)}))
    if result.refused:
        told.append((messages.WARNING, _passed_over(result.refused)))
    return told if result.changed or len(told) == 1 else told[1:]


def _of_one(act: Act, changed: Changed) -> str:
    if act is RETRY:
        return _("This is a new job: it runs once more what %(id)s did.") % {"id": changed.id}
    if changed.state.is_final:
        return _("The job is %(state)s.") % {"state": changed.state}
    if act is FORCE:
        return _("Its process is killed by its instance; the job is STOPPED then.")
    return _("The job was asked to stop. It ends when it looks, or by itself.")


def _passed_over(refused: tuple[Refused, ...]) -> str:
    text = ngettext("%d job was passed over", "%d jobs were passed over", len(refused))
    named = " ".join(f"{one.id}: {one.reason}" for one in refused[:NAMED_JOBS])
    return f"{text % len(refused)}. {named}{' …' if len(refused) > NAMED_JOBS else ''}"


def _number(count: int) -> str:
    return f"{count}+" if count >= bulk.COUNTED_JOBS_MAX else str(count)
