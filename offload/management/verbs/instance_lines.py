"""Instances of this cluster as lines of a table, and as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from offload.management.arguments import times
from offload.management.colours import coloured
from offload.management.json_output import as_json
from offload.management.terminal import sanitized, table
from offload.management.verbs import rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table
    from rich.text import Text

    from offload.reading.cluster.members import Ability, Member
    from offload.reading.rules.rulebook import RuleLine

HEADERS = (
    "instance",
    "state",
    "beat",
    "running",
    "bound",
    "holds",
    "may run",
    "labels",
    "process",
    "",
)
#: Columns that a narrow terminal leaves out.
WIDE_ONLY = ("bound", "labels", "process")
FOLD = {"instance": 12, "may run": 16, "labels": 8}
PROPERTY_HEADERS = ("instance", "property", "value", "not renewed")
PROPERTY_FOLD = {"instance": 12, "property": 12, "value": 12, "not renewed": 20}


def instances_table(shown: Sequence[Member], *, is_long: bool, is_wide: bool) -> Table:
    """Return a table of instances; a wide terminal has room for all columns."""
    used = [at for at, name in enumerate(HEADERS) if is_wide or name not in WIDE_ONLY]
    rows = [row(one, is_long=is_long) for one in shown]
    return table(
        [HEADERS[at] for at in used], [[one[at] for at in used] for one in rows], fold=FOLD
    )


def properties(shown: Sequence[Member]) -> list[str | Table]:
    """Return a table of what these instances announced, after an empty line."""
    rows = [
        (one.name, name, _value(one.properties.get(name)), one.failing_properties.get(name, ""))
        for one in shown
        for name in sorted({*one.properties, *one.failing_properties})
    ]
    return ["", table(PROPERTY_HEADERS, rows, fold=PROPERTY_FOLD)]


def _value(value: object) -> str:
    return value if isinstance(value, str) else as_json(value)


def limits(shown: Sequence[Member]) -> Iterator[Text]:
    """Yield why these instances may not run all that they have consumers for."""
    for line in shown:
        if not line.is_gone:
            yield from (sanitized(_limit(line, why), "yellow") for why in line.reasons)


def suspicions(shown: Sequence[Member]) -> Iterator[Text]:
    """Yield why instances are suspect or switched off, and since when."""
    yield from (sanitized(line.suspicion, "red") for line in shown if line.suspicion)
    yield from (sanitized(line.off_reason, "yellow") for line in shown if line.off_reason)


def _limit(line: Member, why: str) -> str:
    alike = [one for one in line.abilities if one.why == why]
    if len(line.unable) == line.consumed and len(alike) == line.consumed:
        return f"{line.name} may run nothing: {why}"
    return f"{line.name} may not run {', '.join(map(_barred, alike))}: {why}"


def _barred(one: Ability) -> str:
    return f"all of {one.pattern}" if one.may_run else one.pattern


def facts(line: Member, book: Sequence[RuleLine]) -> dict[str, object]:
    """Return an instance as JSON values."""
    return {
        "name": line.name,
        "cluster": line.cluster,
        "state": line.condition,
        "mode": line.mode,
        "mode_at": line.mode_at,
        "trouble": line.suspected_of,
        "remedy": line.remedy,
        "gone_because": line.gone_because,
        "silent": line.is_silent,
        "off": line.is_off,
        "off_note": line.off_note,
        "switch": line.switch and asdict(line.switch),
        "rules": [rules.facts(rule) for rule in book if rule.id and line.name in rule.instances],
        "leader": line.is_leader,
        "beat_age": round(line.beat_age_seconds, 3),
        "concurrency": line.concurrency,
        "window": line.window,
        "running": line.running,
        "bound": line.bound,
        "held": line.held,
        "consumers": [
            {"pattern": one.pattern.text, "task": one.task, "ranking": one.ranking}
            for one in line.consumers
        ],
        "consumed": line.consumed,
        "may_run": [
            {"pattern": one.pattern, "whole": one.is_whole, "why": one.why} for one in line.able
        ],
        "may_not_run": [{"pattern": one.pattern, "why": one.why} for one in line.unable],
        "labels": list(line.labels),
        "properties": dict(line.properties),
        "failing_properties": dict(line.failing_properties),
        "host": line.host,
        "pid": line.pid,
    }


def row(line: Member, *, is_long: bool) -> tuple[str | Text, ...]:
    """Return an instance as cells of HEADERS."""
    return (
        line.name,
        coloured(line.condition),
        f"{times.seconds(line.beat_age_seconds)} ago",
        f"{line.running}/{line.concurrency}",
        str(line.bound),
        f"{line.held}/{line.window}",
        may_run(line, is_long=is_long),
        ", ".join(line.labels),
        f"{line.host}:{line.pid}",
        "leads" if line.is_leader else "",
    )


def may_run(line: Member, *, is_long: bool) -> str:
    """Return how many of its topics and patterns an instance may run."""
    names = [f"{one.pattern}{'' if one.is_whole else ' in part'}" for one in line.able]
    count = f"{len(names)}/{line.consumed}"
    if is_long:
        return "\n".join([count, *names])
    return f"{count} {in_short(names)}" if names else count


def in_short(patterns: Sequence[str]) -> str:
    """Return the first pattern, and how many more there are."""
    more = f" +{len(patterns) - 1}" if len(patterns) > 1 else ""
    return f"{patterns[0]}{more}" if patterns else ""
