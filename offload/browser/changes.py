"""Changes by buttons: read from the form, made and logged in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from offload.browser import effects
from offload.browser.address import plain
from offload.browser.audit_log import record
from offload.core.placement.topology import RuleVerb
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet import rules
from offload.models import Instance

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The verbs of a cell, each with what is told and logged once it is done.
TOLD_BY_VERB: Mapping[str, str] = MappingProxyType(
    {
        "allow": gettext_noop("Allowed %(pattern)s on %(instance)s."),
        "deny": gettext_noop("Denied %(pattern)s on %(instance)s."),
        "clear": gettext_noop("Cleared the rule for %(pattern)s on %(instance)s."),
        "exclusive": gettext_noop("The allow list of %(instance)s is now %(pattern)s alone."),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChange:
    """A verb, then instance and pattern."""

    verb: str
    instance: str
    pattern: str

    @property
    def told(self) -> str:
        """Return what was done, as a sentence."""
        return _(TOLD_BY_VERB[self.verb]) % {"instance": self.instance, "pattern": self.pattern}


def read(posted: Mapping[str, Any]) -> RuleChange:
    """Return the change that a pressed button stands for.

    Raise BadRequest where none, or more than one, was pressed, or where it is no text.
    """
    pressed = [verb for verb in TOLD_BY_VERB if verb in posted]
    if len(pressed) != 1:
        raise BadRequest("Send one of allow, deny, clear and exclusive.")
    instance, _space, pattern = plain(posted[pressed[0]]).partition(" ")
    return RuleChange(verb=pressed[0], instance=instance, pattern=pattern)


@retried
def route(change: RuleChange, *, by: Any) -> str:
    """Change the rules and return what to tell.

    Raise UnknownInstance or InvalidPattern, with nothing changed.
    """
    with database.atomic():
        row = Instance.objects.named(change.instance)
        told = " ".join([change.told, *_act(change, by)])
        record(by.pk, [row], told)
    return told


@retried
def switch(name: str, *, off: bool, by: Any) -> str:
    """Switch an instance off or on and return what to tell; raise UnknownInstance."""
    told = _("Switched %(name)s off.") if off else _("Switched %(name)s on.")
    with database.atomic():
        row = Instance.objects.named(name)
        rules.switch(name, off=off)
        record(by.pk, [row], told % {"name": name})
    return told % {"name": name}


def _act(change: RuleChange, by: Any) -> list[str]:
    """Do it; return what else is to be told."""
    if change.verb == "allow":
        written = rules.write(RuleVerb.ALLOW, change.instance, [change.pattern], by=by)
        return effects.of_lifting(written.lifted)
    if change.verb == "exclusive":
        return _others(rules.exclusive(change.instance, [change.pattern], by=by))
    if change.verb == "clear":
        return effects.of_opening(rules.clear(change.instance, change.pattern).opened)
    rules.deny(change.instance, change.pattern, by=by)
    return []


def _others(made: rules.Exclusive) -> list[str]:
    """Name the rules that are for other instances too and change what exclusive comes to."""
    more = _("But %(rule)s (%(scope)s) lets it run more: clear that rule under Rules.")
    less = _("But %(rule)s (%(scope)s) keeps it from some of that: clear that rule under Rules.")
    return [
        text % {"rule": rule, "scope": rule.scope}
        for text, found in ((more, made.widened_by), (less, made.narrowed_by))
        for rule in found
    ]
