"""Switching instances off as a whole, and on again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from offload.core.placement.judgement import noted
from offload.models import Instance
from offload.models.change_records import SubjectKind
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome
from offload.rules import editing

if TYPE_CHECKING:
    from offload.operations.changes.actors import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOff(Change[Outcome]):
    """Send no more jobs to an instance, and take back its unstarted ones.

    Raises UnknownInstance if no worker of that name ever announced itself, InvalidRule for an
    invalid note.
    """

    instance: str
    #: None keeps the note of an instance that is already off.
    note: str | None = None

    def make(self, by: Actor | None) -> Outcome:
        """Write the switch, and enforce it."""
        recalled = editing.switch(self.instance, off=True, note=self.note)
        sentence = _("Switched %(name)s off") % {"name": self.instance}
        return _outcome("off", self.instance, noted(sentence, self.note or ""), recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOn(Change[Outcome]):
    """Send jobs to an instance again; raises the errors of SwitchOff."""

    instance: str

    def make(self, by: Actor | None) -> Outcome:
        """Remove the switch."""
        recalled = editing.switch(self.instance, off=False)
        sentence = _("Switched %(name)s on.") % {"name": self.instance}
        return _outcome("on", self.instance, sentence, recalled)


def _outcome(action: str, name: str, sentence: str, recalled: int) -> Outcome:
    return Outcome(
        action=action,
        sentence=sentence,
        about=((SubjectKind.INSTANCE, name),),
        rows=[Instance.objects.named(name)],
        recalled=recalled,
    )
