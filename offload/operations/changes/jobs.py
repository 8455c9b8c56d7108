"""Records of what people do to jobs: stop, remove, retry and deliver."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from django.utils.translation import ngettext_lazy

from offload.core.placement.judgement import noted
from offload.models import Job
from offload.models.change_records import SubjectKind
from offload.operations.changes import recording
from offload.operations.changes.change_outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.operations.changes.actors import Actor

#: Most jobs that a record names; further ones are counted.
NAMED_JOBS = 3


class JobAction(enum.StrEnum):
    """The actions on jobs, as they are recorded."""

    STOP = "stop"
    FORCE = "stop by force"
    REMOVE = "remove"
    RETRY = "retry"
    DELIVER = "deliver"


SENTENCES = {
    JobAction.STOP: ngettext_lazy(
        "Asked %(count)d job to stop", "Asked %(count)d jobs to stop", "count"
    ),
    JobAction.FORCE: ngettext_lazy(
        "Asked %(count)d job to stop by force", "Asked %(count)d jobs to stop by force", "count"
    ),
    JobAction.REMOVE: ngettext_lazy("Removed %(count)d job", "Removed %(count)d jobs", "count"),
    JobAction.RETRY: ngettext_lazy("Retried %(count)d job", "Retried %(count)d jobs", "count"),
    JobAction.DELIVER: ngettext_lazy(
        "Let outputs of %(count)d job be delivered again",
        "Let outputs of %(count)d jobs be delivered again",
        "count",
    ),
}


def record(action: JobAction, jobs: Mapping[str, str], by: Actor, note: str) -> None:
    """Record what a person did to these jobs; call it in the transaction that does it.

    ``jobs`` has for each id the id of the new job that retries it, or "".
    """
    names = [f"{one} as {new}" if new else one for one, new in jobs.items()]
    shown = ", ".join(names[:NAMED_JOBS]) + (", …" if len(names) > NAMED_JOBS else "")
    sentence = f"{SENTENCES[action] % {'count': len(names)}} ({shown})"
    rows = list(Job.objects.ids(jobs).only("topic"))
    outcome = Outcome(
        action=action.value,
        sentence=noted(sentence, note),
        about=((SubjectKind.JOB, _subject(rows)),),
        rows=rows,
    )
    recording.record(by, outcome)


def _subject(rows: Sequence[Job]) -> str:
    """Return the id of a single job, or the topic that all of them have, or ""."""
    if len(rows) == 1:
        return str(rows[0].pk)
    topics = {row.topic for row in rows}
    return topics.pop() if len(topics) == 1 else ""
