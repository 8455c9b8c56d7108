"""Records of what people do to runs."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from offload.core.placement.judgement import noted
from offload.models.change_records import SubjectKind
from offload.operations.changes import recording
from offload.operations.changes.change_outcomes import Outcome

if TYPE_CHECKING:
    from offload.models import Run
    from offload.operations.changes.actors import Actor


class RunAction(enum.StrEnum):
    """The actions on runs, as they are recorded."""

    STOP = "stop run"
    FORCE = "force run"
    PAUSE = "pause run"
    RESUME = "resume run"
    SKIP = "skip step"
    UNDONE = "undo step"
    RESTART = "restart run"
    APPROVE = "approve step"
    REJECT = "reject step"
    EVENT = "send event"
    PLACE = "place run"
    UNPLACE = "unplace run"


SENTENCES = {
    RunAction.STOP: _("Asked run %(run)s of %(workflow)s to stop"),
    RunAction.FORCE: _("Asked run %(run)s of %(workflow)s to stop by force"),
    RunAction.PAUSE: _("Paused run %(run)s of %(workflow)s"),
    RunAction.RESUME: _("Resumed run %(run)s of %(workflow)s"),
    RunAction.SKIP: _("Skipped step %(about)s of run %(run)s of %(workflow)s"),
    RunAction.UNDONE: _("Undid step %(about)s of run %(run)s of %(workflow)s by hand"),
    RunAction.PLACE: _("Placed run %(run)s of %(workflow)s at %(about)s"),
    RunAction.UNPLACE: _("Placed the steps of run %(run)s of %(workflow)s each by itself"),
    RunAction.RESTART: _("Restarted run %(run)s of %(workflow)s as %(about)s"),
    RunAction.APPROVE: _("Approved step %(about)s of run %(run)s of %(workflow)s"),
    RunAction.REJECT: _("Rejected step %(about)s of run %(run)s of %(workflow)s"),
    RunAction.EVENT: _("Sent the event for step %(about)s of run %(run)s of %(workflow)s"),
}


def record(action: RunAction, run: Run, by: Actor | None, note: str, *, about: str = "") -> None:
    """Record what a person did to a run, in the transaction that does it; nobody, if code did."""
    if by is None:
        return
    facts = {"run": run.pk, "workflow": run.workflow, "about": about}
    outcome = Outcome(
        action=action.value,
        sentence=noted(SENTENCES[action] % facts, note),
        about=((SubjectKind.RUN, run.pk),),
        rows=[run],
    )
    recording.record(by, outcome)
