"""Rows of operators that cannot be read: somebody wrote them past every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.diagnostics.finding import Finding, fail, one_line
from offload.fleet.row_values import UNREADABLE_ERRORS, patterns_of, rule_of
from offload.models import Queue, Rule

if TYPE_CHECKING:
    from collections.abc import Iterator


def examine() -> Iterator[Finding]:
    """Yield the rules that are left out, and the queues that take no topic."""
    for rule in Rule.objects.not_ended():
        if told := _problem(rule):
            fact = f"Rule {rule.pk} ({rule}) is ignored, because it cannot be read: {told}"
            yield fail("rules", fact, "Correct it in the admin under Offload, Rules, or delete it.")
    for queue in Queue.objects.all():
        if told := _problem(queue):
            fact = f"Queue {queue} matches no topic, because its patterns cannot be read: {told}"
            yield fail("queues", fact, "Correct it in the admin under Offload, Queues.")


def _problem(row: Rule | Queue) -> str:
    try:
        if isinstance(row, Rule):
            rule_of(row)
        else:
            patterns_of(row)
    except UNREADABLE_ERRORS as error:
        return one_line(error)
    return ""
