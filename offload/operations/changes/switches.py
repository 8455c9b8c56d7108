"""Switching instances off as a whole, draining them, and switching them on again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from offload.core.exceptions import InvalidRule
from offload.core.moments import after, span
from offload.core.placement.judgement import noted
from offload.fleet.snapshots import now
from offload.models import Instance
from offload.models.change_records import SubjectKind
from offload.operations.changes import wording
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome
from offload.operations.changes.recording import ACTOR_MAX
from offload.rules import switching

if TYPE_CHECKING:
    from datetime import datetime

    from offload.operations.changes.actors import Actor

#: The refusal of a time that is none.
NO_TIME = "The grace is less than no time. Give 0 seconds or more, or none to let runs finish."


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOff(Change[Outcome]):
    """Send no more jobs to an instance, and take back its unstarted ones.

    Raises UnknownInstance if no worker of that name ever announced itself, InvalidRule for an
    invalid note, or an end that has passed.
    """

    instance: str
    #: None keeps the note of an instance that is already off.
    note: str | None = None
    #: The time at which it is switched on again by itself; None for never.
    until: datetime | None = None

    def make(self, by: Actor | None) -> Outcome:
        """Write the switch, and enforce it."""
        recalled = switching.switch(
            self.instance,
            off=True,
            note=self.note,
            until=self.until,
            by=by.name[:ACTOR_MAX] if by else "",
        )
        facts = {"name": self.instance, "until": _until(self.until)}
        sentence = _("Switched %(name)s off%(until)s") % facts
        return _outcome("off", self.instance, noted(sentence, self.note or ""), recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainInstance(Change[Outcome]):
    """Let an instance become empty: as SwitchOff, while the pages show how much is left.

    Its runs finish; after a grace those that are left are given back, without a failed attempt,
    except for jobs that do not run again by themselves. Raises the errors of SwitchOff.
    """

    instance: str
    note: str | None = None
    until: datetime | None = None
    #: The time for which runs may go on; None lets them finish.
    grace: timedelta | None = None

    def make(self, by: Actor | None) -> Outcome:
        """Write the switch, and enforce it."""
        if self.grace is not None and self.grace < timedelta():
            raise InvalidRule(target=self.instance, problem=NO_TIME)
        seconds = None if self.grace is None else self.grace.total_seconds()
        recalled = switching.switch(
            self.instance,
            off=True,
            drains=True,
            note=self.note,
            until=self.until,
            give_back_at=None if seconds is None else after(now(), seconds),
            by=by.name[:ACTOR_MAX] if by else "",
        )
        sentence = _("Drains %(name)s%(until)s; its runs %(fate)s") % {
            "name": self.instance,
            "until": _until(self.until),
            "fate": _("finish") if seconds is None else _fate(seconds),
        }
        return _outcome("drain", self.instance, noted(sentence, self.note or ""), recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOn(Change[Outcome]):
    """Send jobs to an instance again; raises the errors of SwitchOff."""

    instance: str

    def make(self, by: Actor | None) -> Outcome:
        """Remove the switch."""
        recalled = switching.switch(self.instance, off=False)
        sentence = _("Switched %(name)s on.") % {"name": self.instance}
        return _outcome("on", self.instance, sentence, recalled)


def _until(moment: datetime | None) -> str:
    return _(" until %(moment)s") % {"moment": wording.moment(moment)} if moment else ""


def _fate(seconds: float) -> str:
    return _("are given back after %(grace)s") % {"grace": span(seconds)}


def _outcome(action: str, name: str, sentence: str, recalled: int) -> Outcome:
    return Outcome(
        action=action,
        sentence=sentence,
        about=((SubjectKind.INSTANCE, name),),
        rows=[Instance.objects.named(name)],
        recalled=recalled,
    )
