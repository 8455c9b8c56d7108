"""What operators desire: allow, deny, clear, exclusive, off and on; each acts at once.

Every verb changes the rules and takes back the unstarted jobs they concern in one
transaction; running jobs finish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.exceptions import UnknownInstance
from offload.core.retries import Cause
from offload.core.routing import judge_rules
from offload.core.topics import Pattern
from offload.core.topology import Scope, Verb
from offload.engine.topology import forget, load, now
from offload.engine.tracking import returns, whereabouts
from offload.models import Instance, Rule, Switch, database
from offload.models.versions import current_version, raise_version

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from django.contrib.auth.models import AbstractBaseUser


def allow(target: str, pattern: str, **terms: Any) -> Rule:
    """Allow a pattern on an instance; an instance with allow rules may do nothing else.

    Takes ``scope`` ("instance", "glob" or "label"), ``until``, ``note`` and ``by`` (a user).
    Raise InvalidPattern for a pattern that is none.
    """
    return _rule(Verb.ALLOW, target, pattern, **terms)


def deny(target: str, pattern: str, **terms: Any) -> Rule:
    """Deny a pattern on an instance, whatever allows it; takes what ``allow`` takes."""
    return _rule(Verb.DENY, target, pattern, **terms)


def clear(target: str, pattern: str, *, scope: str = Scope.INSTANCE) -> int:
    """Remove the rules of exactly this pattern on this target; return how many there were."""
    Pattern.parse(pattern)
    with database.atomic():
        count, _ = Rule.objects.filter(scope=scope, target=target, pattern=pattern).delete()
        enforce()
    return count


def exclusive(
    instance: str, patterns: Iterable[str], *, by: AbstractBaseUser | None = None, note: str = ""
) -> list[Rule]:
    """Make exactly these patterns the allow list of an instance; others are untouched."""
    wanted = [Pattern.parse(pattern).text for pattern in patterns]
    with database.atomic():
        mine = Rule.objects.filter(verb=Verb.ALLOW, scope=Scope.INSTANCE, target=instance)
        mine.exclude(pattern__in=wanted).delete()
        made = [_write(Verb.ALLOW, instance, pattern, by=by, note=note) for pattern in wanted]
        enforce()
    return made


def switch(instance: str, *, off: bool, note: str = "") -> None:
    """Switch an instance off or on as a whole.

    Raise UnknownInstance where no worker of that name was ever announced.
    """
    if not Instance.objects.filter(pk=instance).exists():
        raise UnknownInstance(name=instance)
    with database.atomic():
        if off:
            Switch.objects.update_or_create(pk=instance, defaults={"note": note})
        else:
            Switch.objects.filter(pk=instance).delete()
        enforce()


def _rule(verb: Verb, target: str, pattern: str, **terms: Any) -> Rule:
    text = Pattern.parse(pattern).text
    with database.atomic():
        rule = _write(verb, target, text, **terms)
        enforce()
    return rule


def _write(
    verb: Verb,
    target: str,
    pattern: str,
    *,
    scope: str = Scope.INSTANCE,
    until: datetime | None = None,
    note: str = "",
    by: AbstractBaseUser | None = None,
) -> Rule:
    """Write a rule; the opposite one of the same pattern on the same target goes."""
    Rule.objects.filter(scope=scope, target=target, pattern=pattern).exclude(verb=verb).delete()
    rule, _ = Rule.objects.update_or_create(
        verb=verb,
        scope=scope,
        target=target,
        pattern=pattern,
        defaults={"until": until, "note": note, "created_by_id": by.pk if by else None},
    )
    return rule


def enforce() -> int:
    """Take back the unstarted jobs that the rules as they are now forbid; return how many.

    Call it in the transaction that changed them.
    """
    raise_version()
    seen = load(current_version())
    count = 0
    for name, topic in whereabouts.unstarted():
        instance = seen.topology.instance(name)
        rules = seen.topology.rules
        if instance and (instance.is_off or judge_rules(instance, topic, rules, now())):
            count += len(returns.recall_from(name, [topic], cause=Cause.REFUSED))
    forget()
    return count
