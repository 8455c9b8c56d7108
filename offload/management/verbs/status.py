"""``status``: the cluster in a few lines, what stands still first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.placement.topology import Mode
from offload.diagnostics import outage
from offload.fleet.snapshots import snapshot
from offload.management.arguments import times
from offload.management.terminal import Terminal, plain, shortened
from offload.management.verb import Options, Verb
from offload.reading import failures, losses
from offload.reading.overview import overview
from offload.reading.rulebook import RuleLine, rulebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.reading.failures import Failures
    from offload.reading.overview import Overview
    from offload.reading.stalls import Stall

#: Kinds of failures that are told, and characters of what each says.
FAILURES_SHOWN, MESSAGE_CHARACTERS = 5, 60
#: Rules that are told.
RULES_SHOWN = 5
#: Topics that are told of, of those that nobody can run.
STRANDED = 5


def run(terminal: Terminal, _: Options) -> None:
    """Show how many instances and jobs there are, and what needs a look."""
    seen, failed, book, away = overview(), failures.recent(), rulebook(), outage.of_broker()
    terminal.answer(facts(seen, failed, book, away), *lines(seen, failed, book, away))


def facts(seen: Overview, failed: Failures, book: Sequence[RuleLine], away: str) -> dict[str, Any]:
    """Return the numbers."""
    return {
        "cluster": settings().cluster,
        "broker": away or "ok",
        "leader": seen.leader,
        "term": seen.term,
        "instances": sum(line.mode is not Mode.GONE for line in seen.instances),
        "ready": seen.ready,
        "silent": [line.name for line in losses.silent(seen.instances)],
        "died": [
            {"name": line.name, "because": line.gone_because, "beat_age": line.beat_age_seconds}
            for line in losses.died(seen.instances)
        ],
        "waiting": seen.waiting,
        "later": seen.later,
        "retrying": seen.retrying,
        "due_in": seen.due_in,
        "bound": seen.bound,
        "active": seen.active,
        "suspended": [one.name for one in snapshot().policies if one.suspended],
        "stalls": [asdict(one) for one in seen.stalls],
        "stranded": [line.topic for line in seen.topics if line.is_stranded],
        "failures": {
            "hour": failed.hour,
            "day": failed.day,
            "by_topic": [asdict(line) for line in failed.lines],
        },
        "rules": [asdict(line) for line in book],
    }


def lines(
    seen: Overview, failed: Failures, book: Sequence[RuleLine], away: str
) -> Iterator[str | Text]:
    """Return the same for people, with the next step where one is needed."""
    if away:
        yield plain(away, "red")
        yield plain("Until then jobs wait safely in the database.", "red")
    here = sum(line.mode is not Mode.GONE for line in seen.instances)
    leader = f"{seen.leader} leads (term {seen.term})" if seen.leader else "nobody leads"
    yield f"Cluster {settings().cluster}: {seen.ready} of {here} instances take work, {leader}."
    for told, step in losses.told(seen.instances):
        yield plain(f"{told} {step}", "red")
    yield from stalls(seen.stalls)
    yield from jobs(seen)
    yield from failing(failed)
    yield from ruled(book)
    if not here:
        told = "No worker is here. 'manage.py offload doctor' says how to start one."
        yield plain(told, "yellow")


def jobs(seen: Overview) -> Iterator[str | Text]:
    """Yield how many jobs there are, and which of them nobody can run."""
    due = seen.waiting - seen.later
    yield f"Jobs: {due} waiting{later(seen)}, {seen.bound} bound, {seen.active} running."
    for line in seen.topics:
        if line.later and not line.can_run and not line.is_stranded:
            when = f"the first in {times.seconds(line.due_in)}"
            yield f"{line.later} of {line.topic} due later, {when}; no instance can run it yet."


def stalls(found: Sequence[Stall]) -> Iterator[Text]:
    """Yield what does not go on by itself, why, and what to do."""
    stranded = [one for one in found if one.topic]
    for one in stranded[:STRANDED]:
        told = f"{one.count} of {one.topic} waiting, and no instance can run it: {one.why}"
        how = f"{one.next_step} See: manage.py offload explain {one.topic}"
        yield plain(f"{told}\n  -> {how}", "yellow")
    if len(stranded) > STRANDED:
        yield plain(f"All {len(stranded)} topics: manage.py offload topics", "yellow")
    for one in found:
        if one.queue:
            yield plain(f"{one.why} {one.next_step} ({one.count} waiting)", "yellow")


def later(seen: Overview) -> str:
    """Return how many jobs are due later, and when the first of them is."""
    if not seen.later:
        return ""
    retrying = f" ({seen.retrying} of them before a retry)" if seen.retrying else ""
    return f", {seen.later} due later{retrying}, the first in {times.seconds(seen.due_in)}"


def failing(failed: Failures) -> Iterator[str | Text]:
    """Yield what failed lately."""
    if not failed.day:
        return
    count = f"{failed.day}{' or more' if failed.is_capped else ''}"
    told = f"Failed: {failed.hour} in the last hour, {count} in the last day."
    yield plain(f"{told} See: manage.py offload jobs --state failed", "red")
    for line in failed.lines[:FAILURES_SHOWN]:
        said = shortened((line.error.strip().splitlines() or [""])[0], MESSAGE_CHARACTERS)
        what = line.name if said in line.name else f"{line.name}: {said}"
        yield plain(f"  {line.hour} / {line.day} of {line.topic}: {what}")


def ruled(book: Sequence[RuleLine]) -> Iterator[Text]:
    """Yield the rules that keep an instance that is here from something."""
    biting = [line for line in book if line.instances]
    for line in biting[:RULES_SHOWN]:
        yield plain(f"{', '.join(line.instances)}: {line}", "yellow")
    if len(biting) > RULES_SHOWN:
        yield plain(f"All {len(biting)} rules: manage.py offload rules", "yellow")


STATUS = Verb(
    name="status",
    help="show the cluster in a few lines; bound jobs have an instance and have not begun",
    run=run,
)
