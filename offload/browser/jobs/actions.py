"""Actions of operators on one or many jobs: bounded, recorded and reported."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, ngettext_lazy

from offload.files.delivering import undelivered
from offload.models.jobs import JobQuerySet
from offload.operations import bulk
from offload.operations.changes.actors import of_user

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest
    from django.utils.functional import _StrPromise

    from offload.models import Job
    from offload.operations.bulk import BulkResult, Changed, Refused, Which

#: Maximum number of skipped jobs named with the reason.
REFUSALS_NAMED_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """An action on jobs: its button, its entry in the list, and its confirmation."""

    name: str
    #: Its text in the list of actions.
    label: _StrPromise
    #: Its consequences, shown for confirmation before it is done to many jobs.
    means: _StrPromise
    done: _StrPromise
    do: Callable[..., BulkResult]
    #: Limits a queryset to the jobs that it can change.
    able: Callable[[JobQuerySet], JobQuerySet]
    #: Whether it needs confirmation even for a single job.
    is_risky: bool = False


RETRY = Action(
    name="retry",
    label=gettext_lazy("Retry selected jobs"),
    means=gettext_lazy(
        "Each is submitted again as a new job, with the same properties and files. Jobs that were "
        "retried before are skipped: their retries can be retried."
    ),
    done=ngettext_lazy(
        "%(count)d job was submitted again.", "%(count)d jobs were submitted again.", "count"
    ),
    do=bulk.retry,
    able=JobQuerySet.retriable,
)
STOP = Action(
    name="stop",
    label=gettext_lazy("Stop selected jobs"),
    means=gettext_lazy(
        "Waiting jobs end at once. Running jobs are asked, and end when they check."
    ),
    done=ngettext_lazy(
        "%(count)d job was asked to stop.", "%(count)d jobs were asked to stop.", "count"
    ),
    do=bulk.stop,
    able=JobQuerySet.stoppable,
)
FORCE = Action(
    name="force",
    label=gettext_lazy("Stop selected jobs by force"),
    means=gettext_lazy(
        "Their processes are killed: unfinished work stays unfinished, and none of their code "
        "cleans up. Instances whose pool has no process per job can only ask them to stop. Waiting "
        "jobs end at once."
    ),
    done=ngettext_lazy(
        "%(count)d job is stopped by force.", "%(count)d jobs are stopped by force.", "count"
    ),
    do=partial(bulk.stop, force=True),
    able=partial(JobQuerySet.stoppable, force=True),
    is_risky=True,
)
REMOVE = Action(
    name="remove",
    label=gettext_lazy("Remove selected jobs that wait"),
    means=gettext_lazy("They end as DROPPED and never run. Jobs that run already are skipped."),
    done=ngettext_lazy("%(count)d job was removed.", "%(count)d jobs were removed.", "count"),
    do=bulk.remove,
    able=JobQuerySet.removable,
    is_risky=True,
)
DELIVER = Action(
    name="deliver",
    label=gettext_lazy("Deliver outputs of selected jobs again"),
    means=gettext_lazy(
        "Deliveries of their outputs that failed and were given up are tried again."
    ),
    done=ngettext_lazy(
        "Outputs of %(count)d job are delivered again.",
        "Outputs of %(count)d jobs are delivered again.",
        "count",
    ),
    do=bulk.deliver,
    able=undelivered,
)
ACTIONS: Mapping[str, Action] = MappingProxyType(
    {action.name: action for action in (RETRY, STOP, FORCE, REMOVE, DELIVER)}
)


def do_one(action: Action, job: Job, request: HttpRequest) -> BulkResult:
    """Act on one job as the user; a job may be retried more than once."""
    do = partial(bulk.retry, again=True) if action is RETRY else action.do
    return do([job.pk], **_by(request))


def do_many(action: Action, which: Which, request: HttpRequest) -> BulkResult:
    """Act on as many jobs as one request may change, as the user."""
    return action.do(which, **_by(request))


def _by(request: HttpRequest) -> dict[str, Any]:
    """Return the user, and the reason that was written on the page that asks for confirmation."""
    return {"by": of_user(request.user), "note": request.POST.get("note", "").strip()}


def about_one(action: Action, result: BulkResult) -> tuple[int, str]:
    """Return the level and the text of the message about one job."""
    if not result.changed:
        return messages.ERROR, result.refused[0].reason
    return messages.SUCCESS, _done_to_one(action, result.changed[0])


def about_many(action: Action, result: BulkResult) -> list[tuple[int, str]]:
    """Return the level and the text of the message about many jobs."""
    lines = [(messages.SUCCESS, str(action.done % {"count": len(result.changed)}))]
    if result.left:
        text = ngettext(
            "%(count)s more is left, because one request is limited. Repeat this for it.",
            "%(count)s more are left, because one request is limited. Repeat this for them.",
            result.left,
        )
        lines.append((messages.WARNING, text % {"count": _number(result.left)}))
    if result.refused:
        lines.append((messages.WARNING, _passed_over(result.refused)))
    return lines if result.changed or len(lines) == 1 else lines[1:]


def _done_to_one(action: Action, changed: Changed) -> str:
    if action is RETRY:
        return _("This is a new job that runs %(id)s again.") % {"id": changed.id}
    if action is DELIVER:
        return _("The deliveries that were given up are tried again.")
    if changed.state.is_final:
        return _("The job is %(state)s.") % {"state": changed.state}
    if action is FORCE:
        return _("Its process is killed by its instance; the job is STOPPED then.")
    return _("The job was asked to stop. It ends when it checks, or by itself.")


def _passed_over(refused: tuple[Refused, ...]) -> str:
    text = ngettext("%d job was skipped", "%d jobs were skipped", len(refused))
    named = " ".join(f"{one.id}: {one.reason}" for one in refused[:REFUSALS_NAMED_MAX])
    return f"{text % len(refused)}. {named}{' …' if len(refused) > REFUSALS_NAMED_MAX else ''}"


def _number(count: int) -> str:
    return f"{count}+" if count >= bulk.COUNTED_JOBS_MAX else str(count)
