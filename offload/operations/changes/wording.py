"""Sentences about changes, the same for pages, commands and records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from offload.core.admission.fates import Fate
from offload.core.placement.judgement import noted
from offload.core.placement.topology import Scope
from offload.operations import what_if

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from offload.core.placement.comparison import Permission
    from offload.models import Rule
    from offload.operations.changes.previewing import Preview
    from offload.operations.what_if import FateLine

#: The effects of other rules on an instance beside a rule that was written for it.
MORE = gettext_noop("lets it run more")
LESS = gettext_noop("keeps it from some of that")


def moment(at: datetime | None) -> str:
    """Return a time in the site's zone."""
    return f"{localtime(at):%Y-%m-%d %H:%M:%S}" if at else ""


#: The fates of waiting jobs, for one and for several.
FATES = {
    Fate.NOBODY: (
        gettext_noop("%(count)d waiting job of %(topic)s would have nobody"),
        gettext_noop("%(count)d waiting jobs of %(topic)s would have nobody"),
    ),
    Fate.HELD: (
        gettext_noop("%(count)d waiting job of %(topic)s would be held back in queue %(queue)s"),
        gettext_noop("%(count)d waiting jobs of %(topic)s would be held back in queue %(queue)s"),
    ),
    Fate.MOVES: (
        gettext_noop("%(count)d waiting job of %(topic)s would move to other instances"),
        gettext_noop("%(count)d waiting jobs of %(topic)s would move to other instances"),
    ),
    Fate.STARTS: (
        gettext_noop("%(count)d waiting job of %(topic)s would begin"),
        gettext_noop("%(count)d waiting jobs of %(topic)s would begin"),
    ),
}


def value(given: object) -> str:
    """Return a plain value of a field."""
    return _("none") if given in {None, ""} else str(given)


def on(scope: str, target: str) -> str:
    """Return the instances that a rule names."""
    return target if scope == Scope.INSTANCE else f"{target} ({scope})"


def described(rule: Rule) -> str:
    """Return a rule with its scope and its end."""
    until = f" until {moment(rule.until)}" if rule.until else ""
    return f"{rule.verb} {rule.pattern} on {on(rule.scope, rule.target)}{until}"


def replaced(deny: Rule) -> str:
    """Say that an allow took the place of a deny."""
    return noted(_("It replaces: %(rule)s") % {"rule": described(deny)}, deny.note)


def resting(deny: Rule) -> str:
    """Say that a deny will be in force again."""
    text = _("%(rule)s is lifted until %(moment)s, and applies again then")
    facts = {"rule": described(deny), "moment": moment(deny.rests_until)}
    return noted(text % facts, deny.note)


def other(rule: Rule, effect: str) -> str:
    """Say what another rule does to the instance."""
    return _("But %(rule)s %(effect)s.") % {"rule": described(rule), "effect": _(effect)}


def to_end(rule: Rule) -> str:
    """Say which rule to clear."""
    return _("To end that, clear rule %(id)s.") % {"id": rule.pk}


def opened(names: Sequence[str]) -> list[str]:
    """Say which instances have no allow any more."""
    if not names:
        return []
    text = ngettext(
        "Without its last allow, %(names)s may run everything that no deny forbids.",
        "Without their last allow, %(names)s may run everything that no deny forbids.",
        len(names),
    )
    return [text % {"names": ", ".join(names)}]


def taken_back(count: int) -> list[str]:
    """Say how many jobs were taken back, if any."""
    if not count:
        return []
    text = ngettext(
        "%(count)d unstarted job was taken back.",
        "%(count)d unstarted jobs were taken back.",
        count,
    )
    return [text % {"count": count}]


def _would_be_taken_back(count: int) -> list[str]:
    if not count:
        return []
    text = ngettext(
        "%(count)d unstarted job would be taken back.",
        "%(count)d unstarted jobs would be taken back.",
        count,
    )
    return [text % {"count": count}]


def elsewhere(queue: str, count: int) -> str:
    """Say how many jobs a queue comes too late for, and where they stay."""
    text = ngettext(
        "Submitted before, %(count)d job of its topics stays in queue %(queue)s and goes by it.",
        "Submitted before, %(count)d jobs of its topics stay in queue %(queue)s and go by it.",
        count,
    )
    return text % {"count": count, "queue": queue}


def previewed(found: Preview[Any]) -> Iterator[str]:
    """Yield the effects of a change."""
    if found.outcome.asked:
        text = _("What it changes shows once %(peer)s has applied it.")
        yield text % {"peer": found.outcome.asked}
        return
    yield from _by_instance(_("%(instance)s may run: %(topics)s."), found.permissions.opened)
    yield from _by_instance(
        _("%(instance)s may no longer run: %(topics)s."), found.permissions.closed
    )
    if stranded := ", ".join(found.permissions.stranded):
        yield _("No instance may run %(topics)s.") % {"topics": stranded}
    for topic, (old, new) in found.moved.items():
        text = _("New jobs of %(topic)s go to queue %(new)s, not %(old)s.")
        yield text % {"topic": topic, "new": new, "old": old}
    yield from _would_be_taken_back(found.outcome.recalled)
    yield from map(_fate, what_if.shown(found.fates))
    if more := len(found.fates) - len(what_if.shown(found.fates)):
        yield _("And so do waiting jobs of %(count)d more topics and queues.") % {"count": more}
    yield _waiting(found.waiting)


def _fate(line: FateLine) -> str:
    """Say how waiting jobs of one topic and queue would fare, with the first ones."""
    text = FATES[line.fate]
    facts = {"count": line.jobs, "topic": line.topic, "queue": line.queue}
    said = ngettext(*text, line.jobs) % facts
    return f"{said}: {', '.join(line.examples)}." if line.examples else f"{said}."


def _waiting(count: int) -> str:
    if not count:
        return _("No job that waits is concerned.")
    text = ngettext(
        "%(count)d job that waits is concerned.", "%(count)d jobs that wait are concerned.", count
    )
    return text % {"count": count}


def _by_instance(text: str, permissions: Iterable[Permission]) -> Iterator[str]:
    topics: dict[str, list[str]] = {}
    for one in permissions:
        topics.setdefault(one.instance, []).append(one.topic)
    yield from (
        text % {"instance": name, "topics": ", ".join(texts)} for name, texts in topics.items()
    )
