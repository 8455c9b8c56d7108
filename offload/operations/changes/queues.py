"""Queues made, changed, suspended, drained, resumed, emptied and removed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from offload.core.exceptions import UnknownQueue
from offload.core.matching.amounts import Amounts
from offload.core.matching.escalation import Escalation
from offload.core.matching.preferences import Preferences
from offload.core.matching.requirements import Requirements
from offload.core.placement.judgement import noted
from offload.core.states import UNSTARTED
from offload.jobs.removing import remove_all
from offload.models import Job, Queue
from offload.models.change_records import SubjectKind
from offload.operations.changes import wording
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome
from offload.queues import draining, policies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.operations.changes.actors import Actor


#: Jobs that one change drops.
JOBS_PER_CHANGE = 5000
#: Characters of the longest name that is kept whole.
HELD_BY_MAX = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOutcome(Outcome):
    """The queue that a change is about, and the jobs that it comes too late for."""

    queue: Queue
    #: Jobs of its topics that wait in other queues and stay there, by those queues.
    elsewhere: Mapping[str, int] = field(default_factory=dict)
    #: How many waiting jobs were dropped, and how many are left.
    dropped: int = 0
    left: int = 0

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the sentences about jobs that were submitted before."""
        return tuple(wording.elsewhere(*one) for one in sorted(self.elsewhere.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class AddQueue(Change[QueueOutcome]):
    """Make a queue for topics; raises InvalidQueue where it cannot be so, or is there already."""

    name: str
    topics: tuple[str, ...]
    #: The other fields of its row.
    fields: Mapping[str, Any] = field(default_factory=dict)

    def make(self, by: Actor | None) -> QueueOutcome:
        """Store the queue."""
        queue = policies.add(self.name, self.topics, **self.fields)
        facts = {"name": self.name, "topics": ", ".join(self.topics)}
        sentence = noted(_("Made queue %(name)s for %(topics)s") % facts, _values(self.fields))
        return _outcome("add queue", queue, sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeQueue(Change[QueueOutcome]):
    """Change fields of a queue; what is not given stays.

    Raises UnknownQueue, and InvalidQueue where it cannot be so or the settings say these fields.
    """

    name: str
    fields: Mapping[str, Any]

    def make(self, by: Actor | None) -> QueueOutcome:
        """Store the fields, and take back what is bound beyond the limit."""
        queue = policies.find(self.name)
        recalled = policies.change(queue, **self.fields)
        sentence = noted(_("Changed queue %(name)s") % {"name": self.name}, _values(self.fields))
        return _outcome("set queue", queue, sentence, recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class SuspendQueue(Change[QueueOutcome]):
    """Bind nothing more of a queue, and take back what has not begun.

    Raises UnknownQueue, and InvalidQueue for a note that cannot be kept.
    """

    name: str
    #: None keeps that of a queue that is suspended.
    note: str | None = None

    def make(self, by: Actor | None) -> QueueOutcome:
        """Suspend it."""
        queue = policies.find(self.name)
        recalled = policies.suspend([queue], suspended=True, note=self.note, by=_name(by))
        sentence = _("Suspended queue %(name)s") % {"name": self.name}
        return _outcome("suspend queue", queue, noted(sentence, self.note or ""), recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainQueue(Change[QueueOutcome]):
    """Let the jobs of a queue run that are there; those that come wait until it is resumed.

    Raises UnknownQueue, and InvalidQueue for a note that cannot be kept.
    """

    name: str
    #: None keeps that of a queue that drains.
    note: str | None = None

    def make(self, by: Actor | None) -> QueueOutcome:
        """Drain it."""
        queue = policies.find(self.name)
        draining.drain(queue, note=self.note, by=_name(by))
        sentence = _("Drains queue %(name)s: what comes waits") % {"name": self.name}
        return _outcome("drain queue", queue, noted(sentence, self.note or ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class DropWaiting(Change[QueueOutcome]):
    """Make the jobs of a queue that have not begun DROPPED; raises UnknownQueue.

    One change takes so many of them; what is left, the next one takes.
    """

    name: str
    note: str = ""
    most: int = JOBS_PER_CHANGE

    def make(self, by: Actor | None) -> QueueOutcome:
        """Drop them, oldest first."""
        queue = policies.find(self.name)
        waiting = Job.objects.removable().filter(queue=self.name, state__in=sorted(UNSTARTED))
        found = waiting.order_by("created_at", "pk").values_list("pk", flat=True)
        dropped = remove_all(list(found[: self.most]))
        facts = {"count": len(dropped), "name": self.name}
        text = ngettext(
            "Dropped %(count)d waiting job of queue %(name)s",
            "Dropped %(count)d waiting jobs of queue %(name)s",
            len(dropped),
        )
        more = waiting.count() if len(dropped) == self.most else 0
        left = _(" %(count)d more wait: repeat it for them.") % {"count": more} if more else ""
        outcome = _outcome("drop waiting", queue, noted(text % facts, self.note) + left)
        return replace(outcome, dropped=len(dropped), left=more)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumeQueue(Change[QueueOutcome]):
    """Bind the jobs of a queue again; raises UnknownQueue."""

    name: str

    def make(self, by: Actor | None) -> QueueOutcome:
        """Resume it."""
        queue = policies.find(self.name)
        recalled = policies.suspend([queue], suspended=False)
        sentence = _("Resumed queue %(name)s.") % {"name": self.name}
        return _outcome("resume queue", queue, sentence, recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveQueue(Change[QueueOutcome]):
    """Remove a queue: its jobs go on by the default policy.

    Raises UnknownQueue, and InvalidQueue for one that the settings declare.
    """

    name: str

    def make(self, by: Actor | None) -> QueueOutcome:
        """Remove it."""
        queue = policies.find(self.name)
        policies.refuse_declared(queue)
        if queue.pk is None:
            raise UnknownQueue(name=self.name)
        policies.remove([queue])
        sentence = _("Removed queue %(name)s.") % {"name": self.name}
        return _outcome("remove queue", queue, sentence)


def _name(by: Actor | None) -> str:
    return by.name[:HELD_BY_MAX] if by else ""


def _outcome(action: str, queue: Queue, sentence: str, recalled: int = 0) -> QueueOutcome:
    return QueueOutcome(
        action=action,
        queue=queue,
        sentence=sentence,
        about=((SubjectKind.QUEUE, queue.name),),
        rows=[queue],
        recalled=recalled,
        elsewhere=policies.left_behind(queue),
    )


def _values(fields: Mapping[str, Any]) -> str:
    """Return fields with their values."""
    names = {one.name: one.verbose_name for one in Queue._meta.fields}
    given = {**fields}
    if isinstance(weights := given.get("weights"), dict):
        given["weights"] = [f"{key}={weight}" for key, weight in weights.items()]
    if "resources" in given:
        given["resources"] = str(Amounts.of(given["resources"])) or _("nothing")
    if "prefers" in given:
        given["prefers"] = str(Preferences.of(given["prefers"])) or _("nothing")
    if "retry_with" in given:
        given["retry_with"] = str(Escalation.of(given["retry_with"])) or _("nothing")
    return ", ".join(f"{names[name]} {_value(value)}" for name, value in given.items())


def _value(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, dict):
        return str(Requirements.of(value)) or _("nothing")
    return wording.value(value)
