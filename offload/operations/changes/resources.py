"""Resources defined, changed, cooled down and removed by people."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext as _

from offload.core.matching.amounts import check_name
from offload.core.moments import span
from offload.core.placement.judgement import noted
from offload.models import Resource
from offload.models.change_records import SubjectKind
from offload.operations.changes import wording
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome
from offload.queues import resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.operations.changes.actors import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceOutcome(Outcome):
    """The resource that a change is about."""

    resource: Resource
    #: Queues whose jobs use it, if it is defined no more.
    left: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the queues whose jobs wait from now on."""
        if not self.left:
            return ()
        text = _("Jobs of queues that use it wait until it is defined again: %(names)s.")
        return (text % {"names": ", ".join(self.left)},)


@dataclass(frozen=True, slots=True, kw_only=True)
class SetResource(Change[ResourceOutcome]):
    """Define a resource, or change fields of one; raises InvalidResource where it cannot be so."""

    name: str
    fields: Mapping[str, Any] = field(default_factory=dict)

    def make(self, by: Actor | None) -> ResourceOutcome:
        """Store the fields, and take back what is bound beyond what there is."""
        row, recalled = resources.set_(check_name(self.name), **self.fields)
        sentence = noted(_("Set resource %(name)s") % {"name": row.name}, _values(self.fields))
        return _outcome("set resource", row, sentence, recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoolResource(Change[ResourceOutcome]):
    """Let nothing that uses a resource begin for so many seconds; raises UnknownResource."""

    name: str
    seconds: float

    def make(self, by: Actor | None) -> ResourceOutcome:
        """Let it cool down, and take back what has not begun."""
        who = by.name if by else _("a person")
        row, recalled = resources.cool(self.name, self.seconds, by=who)
        facts = {"name": row.name, "time": span(self.seconds)}
        sentence = _("Resource %(name)s cools down for %(time)s.") % facts
        return _outcome("cool resource", row, sentence, recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearResource(Change[ResourceOutcome]):
    """End the cooling of a resource; raises UnknownResource."""

    name: str

    def make(self, by: Actor | None) -> ResourceOutcome:
        """End it."""
        row, cooled = resources.clear(self.name)
        text = (
            _("Resource %(name)s cools down no more.")
            if cooled
            else _("Resource %(name)s did not cool down.")
        )
        return _outcome("clear resource", row, text % {"name": row.name})


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveResource(Change[ResourceOutcome]):
    """Remove a resource: jobs that use it wait; raises UnknownResource."""

    name: str

    def make(self, by: Actor | None) -> ResourceOutcome:
        """Remove it, and take back what has not begun."""
        row = resources.find(self.name)
        recalled = resources.remove([self.name])
        sentence = _("Removed resource %(name)s.") % {"name": self.name}
        return _outcome(
            "remove resource", row, sentence, recalled, left=resources.queues_using(self.name)
        )


def _outcome(
    action: str,
    row: Resource,
    sentence: str,
    recalled: int = 0,
    *,
    left: tuple[str, ...] = (),
) -> ResourceOutcome:
    return ResourceOutcome(
        action=action,
        resource=row,
        sentence=sentence,
        about=((SubjectKind.RESOURCE, row.name),),
        rows=[row],
        recalled=recalled,
        left=left,
    )


def _values(fields: Mapping[str, Any]) -> str:
    """Return fields with their values."""
    names = {one.name: one.verbose_name for one in Resource._meta.fields}
    return ", ".join(f"{names[name]} {wording.value(value)}" for name, value in fields.items())
