"""Rules written, edited and cleared."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from offload.core.placement.judgement import noted
from offload.core.placement.topology import RuleVerb, Scope
from offload.fleet.row_values import rule_of
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Rule
from offload.operations.changes import wording
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome
from offload.rules import editing
from offload.rules.effects import Overruled, narrowing
from offload.rules.validation import check_end

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from django.db.models import Model

    from offload.operations.changes.actors import Actor
    from offload.rules.rule_outcomes import Cleared, Exclusive, WrittenRules

DONE: Mapping[RuleVerb, str] = MappingProxyType(
    {
        RuleVerb.ALLOW: gettext_noop("Allowed %(patterns)s on %(target)s"),
        RuleVerb.DENY: gettext_noop("Denied %(patterns)s on %(target)s"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RulesOutcome(Outcome):
    """The rules that a change wrote or removed, and what it means for others."""

    written: tuple[Rule, ...] = ()
    removed: tuple[Rule, ...] = ()
    #: Denies that an allow replaced, or lets rest.
    lifted: Overruled = field(default_factory=Overruled)
    #: Allows for several instances by which the instance may run more than its list.
    widened_by: tuple[Rule, ...] = ()
    #: Denies that keep the instance from something it is allowed.
    narrowed_by: tuple[Rule, ...] = ()
    #: Instances that are here and have lost their last allow.
    opened: tuple[str, ...] = ()
    #: Instances that are here and that the rules written name.
    reached: tuple[str, ...] = ()

    @property
    def others(self) -> tuple[tuple[Rule, str], ...]:
        """Return the rules that widen or narrow what was written, each with its effect."""
        more = ((one, wording.MORE) for one in self.widened_by)
        return (*more, *((one, wording.LESS) for one in self.narrowed_by))

    @property
    def lifting(self) -> tuple[str, ...]:
        """Return the sentences about rules that are gone, or rest."""
        superseded = self.removed if self.written else ()
        return (
            *map(wording.replaced, (*superseded, *self.lifted.replaced)),
            *map(wording.resting, self.lifted.resting),
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the sentences about other rules and instances."""
        others = (f"{wording.other(one, what)} {wording.to_end(one)}" for one, what in self.others)
        return (*self.lifting, *others, *wording.opened(self.opened))


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteRules(Change[RulesOutcome]):
    """Allow or deny patterns, all of them or none.

    Raises InvalidPattern for an invalid pattern, InvalidRule for an invalid target, end or note.
    """

    verb: RuleVerb
    target: str
    patterns: tuple[str, ...]
    scope: str = Scope.INSTANCE
    #: None: until somebody clears it.
    until: datetime | None = None
    #: None keeps that of a rule that is there.
    note: str | None = None

    def make(self, by: Actor | None) -> RulesOutcome:
        """Write the rules, and enforce them."""
        check_end(self.until, self.target)
        found = editing.write(
            self.verb,
            self.target,
            self.patterns,
            scope=self.scope,
            until=self.until,
            note=self.note,
            by=by.user if by else None,
        )
        return replace(_written(self.verb, self._sentence(), found), narrowed_by=self._narrowing())

    def _narrowing(self) -> tuple[Rule, ...]:
        is_own_allow = self.verb is RuleVerb.ALLOW and self.scope == Scope.INSTANCE
        return tuple(narrowing(self.target, self.patterns)) if is_own_allow else ()

    def _sentence(self) -> str:
        where = wording.on(self.scope, self.target)
        until = f" until {wording.moment(self.until)}" if self.until else ""
        facts = {"patterns": ", ".join(self.patterns), "target": f"{where}{until}"}
        return noted(_(DONE[self.verb]) % facts, self.note or "")


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeExclusive(Change[RulesOutcome]):
    """Make exactly these patterns the allow list of an instance; raises what WriteRules does."""

    instance: str
    patterns: tuple[str, ...]
    note: str | None = None

    def make(self, by: Actor | None) -> RulesOutcome:
        """Write the allows, remove the instance's other ones, and enforce it."""
        user = by.user if by else None
        found = editing.exclusive(self.instance, self.patterns, by=user, note=self.note)
        text = _("The allow list of %(instance)s is now %(patterns)s alone")
        facts = {"instance": self.instance, "patterns": ", ".join(self.patterns)}
        return replace(
            _written("exclusive", noted(text % facts, self.note or ""), found),
            removed=found.removed,
            widened_by=found.widened_by,
            narrowed_by=found.narrowed_by,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EditRule(Change[RulesOutcome]):
    """Change a rule that is there; raises UnknownRule, and what WriteRules does."""

    rule_id: int
    verb: RuleVerb
    scope: str
    target: str
    pattern: str
    until: datetime | None
    note: str

    def make(self, by: Actor | None) -> RulesOutcome:
        """Store the rule, an allow in place of the denies of the same, and enforce it."""
        check_end(self.until, self.target)
        rule = editing.find(self.rule_id)
        for name in ("verb", "scope", "target", "pattern", "until", "note"):
            setattr(rule, name, getattr(self, name))
        text = noted(_("Changed a rule to %(rule)s") % {"rule": wording.described(rule)}, rule.note)
        return _written("edit", text, editing.save(rule))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClearRules(Change[RulesOutcome]):
    """Remove the rules of exactly these patterns on this target; raises what WriteRules does."""

    target: str
    patterns: tuple[str, ...]
    scope: str = Scope.INSTANCE

    def make(self, by: Actor | None) -> RulesOutcome:
        """Remove the rules, and enforce what remains."""
        found = editing.clear_all(self.target, self.patterns, scope=self.scope)
        if found.rules:
            return _cleared(found)
        facts = {
            "patterns": ", ".join(self.patterns), "target": wording.on(self.scope, self.target)
        }  # fmt: skip
        sentence = _("There is no rule for %(patterns)s on %(target)s.") % facts
        named = Instance.objects.filter(pk=self.target) if self.scope == Scope.INSTANCE else ()
        about = ((self.scope, self.target),)
        return RulesOutcome(action="clear", sentence=sentence, about=about, rows=list(named))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveRules(Change[RulesOutcome]):
    """Remove the rules of these ids, all of them or none; raises UnknownRule."""

    ids: tuple[int, ...]

    def make(self, by: Actor | None) -> RulesOutcome:
        """Remove the rules, and enforce what remains."""
        return _cleared(editing.clear_ids(self.ids))


def _written(action: str, sentence: str, found: WrittenRules | Exclusive) -> RulesOutcome:
    return RulesOutcome(
        action=action,
        sentence=sentence,
        about=_about(found.rules),
        rows=_rows(found.rules),
        recalled=found.recalled,
        written=found.rules,
        lifted=found.lifted,
        reached=_reached(found.rules),
    )


def _cleared(found: Cleared) -> RulesOutcome:
    text = ngettext("Cleared the rule %(rules)s.", "Cleared the rules %(rules)s.", found.count)
    return RulesOutcome(
        action="clear",
        about=_about(found.rules),
        sentence=text % {"rules": ", ".join(map(wording.described, found.rules))},
        rows=_rows(found.rules),
        recalled=found.recalled,
        removed=found.rules,
        opened=found.opened,
    )


def _about(concerned: Iterable[Rule]) -> tuple[tuple[str, str], ...]:
    """Return each scope and target once."""
    return tuple(dict.fromkeys((one.scope, one.target) for one in concerned))


def _rows(concerned: Sequence[Rule]) -> list[Model]:
    """Return the instances that the rules name one by one, and the other rules."""
    names = {one.target for one in concerned if one.scope == Scope.INSTANCE}
    known = Instance.objects.in_bulk(names)
    return [*known.values(), *(one for one in concerned if one.target not in known)]


def _reached(written: Iterable[Rule]) -> tuple[str, ...]:
    """Return the instances that are here and that the rules name."""
    live = snapshot(fresh=True).topology.live
    named = [rule_of(rule) for rule in written]
    return tuple(one.name for one in live if any(rule.applies_to(one) for rule in named))
