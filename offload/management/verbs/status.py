"""``status``: the cluster in a few lines, problems first."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.placement.topology import Mode
from offload.core.texts import truncated
from offload.diagnostics import outage
from offload.fleet.snapshots import snapshot
from offload.management.arguments import times
from offload.management.terminal import Terminal, sanitized
from offload.management.verb import Options, Verb
from offload.reading.cluster import failures, lost_instances
from offload.reading.overview import overview
from offload.reading.peers import clusters
from offload.reading.rules.rulebook import RuleLine, rulebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.reading.cluster.failures import Failures
    from offload.reading.overview import Overview
    from offload.reading.waiting.stalls import Stall

#: Maximum number of kinds of failures shown, and of characters of each error.
FAILURES_SHOWN, MESSAGE_CHARACTERS = 5, 60
#: Maximum number of rules shown.
RULES_SHOWN = 5
#: Maximum number of topics shown that no instance can run.
STRANDED_SHOWN = 5


def run(terminal: Terminal, _: Options) -> None:
    """Show how many instances and jobs there are, and what needs a look."""
    cluster, failed, book, away = overview(), failures.recent(), rulebook(), outage.of_broker()
    terminal.answer(facts(cluster, failed, book, away), *lines(cluster, failed, book, away))


def facts(
    cluster: Overview, failed: Failures, book: Sequence[RuleLine], away: str
) -> dict[str, Any]:
    """Return the numbers."""
    return {
        "cluster": settings().cluster,
        "broker": away or "ok",
        "leader": cluster.leader,
        "term": cluster.term,
        "peers": [
            {"name": one.name, "heard_ago": one.heard_ago, "silent_for": one.silent_for}
            for one in clusters.read()
        ],
        "instances": sum(line.mode is not Mode.GONE for line in cluster.instances),
        "ready": cluster.ready,
        "silent": [line.name for line in lost_instances.silent(cluster.instances)],
        "died": [
            {"name": line.name, "because": line.gone_because, "beat_age": line.beat_age_seconds}
            for line in lost_instances.died(cluster.instances)
        ],
        "waiting": cluster.waiting,
        "later": cluster.later,
        "retrying": cluster.retrying,
        "due_in": cluster.due_in,
        "bound": cluster.bound,
        "active": cluster.active,
        "suspended": [one.name for one in snapshot().policies if one.suspended],
        "stalls": [asdict(one) for one in cluster.stalls],
        "stranded": [line.topic for line in cluster.topics if line.is_stranded],
        "failures": {
            "hour": failed.hour,
            "day": failed.day,
            "by_topic": [asdict(line) for line in failed.lines],
        },
        "rules": [asdict(line) for line in book],
    }


def lines(
    cluster: Overview, failed: Failures, book: Sequence[RuleLine], away: str
) -> Iterator[str | Text]:
    """Return the lines for people, with next steps."""
    if away:
        yield sanitized(away, "red")
        yield sanitized("Until then jobs wait safely in the database.", "red")
    live = sum(line.mode is not Mode.GONE for line in cluster.instances)
    leader = f"{cluster.leader} leads (term {cluster.term})" if cluster.leader else "nobody leads"
    yield f"Cluster {settings().cluster}: {cluster.ready} of {live} instances take work, {leader}."
    yield from elsewhere()
    for sentence, step in lost_instances.warnings(cluster.instances):
        yield sanitized(f"{sentence} {step}", "red")
    yield from stalls(cluster.stalls)
    yield from jobs(cluster)
    yield from failing(failed)
    yield from ruled(book)
    if not live:
        sentence = "No worker is here. 'manage.py offload doctor' says how to start one."
        yield sanitized(sentence, "yellow")


def elsewhere() -> Iterator[str | Text]:
    """Yield a line about each other cluster."""
    for line in clusters.read():
        if line.heard_ago is None:
            yield sanitized(f"Cluster {line.name}: nothing was ever heard of it.", "red")
        elif line.silent_for is not None:
            age = times.seconds(line.heard_ago)
            yield sanitized(f"Cluster {line.name}: silent, heard {age} ago.", "red")
        else:
            count = f"{line.ready} of {len(line.instances) + line.left_out} instances take work"
            yield f"Cluster {line.name}: {count}, heard {times.seconds(line.heard_ago)} ago."


def jobs(cluster: Overview) -> Iterator[str | Text]:
    """Yield the numbers of jobs, and the topics that no instance can run."""
    due = cluster.waiting - cluster.later
    yield f"Jobs: {due} waiting{later(cluster)}, {cluster.bound} bound, {cluster.active} running."
    for line in cluster.topics:
        if line.later and not line.can_run and not line.is_stranded:
            when = f"the first in {times.seconds(line.due_in)}"
            yield f"{line.later} of {line.topic} due later, {when}; no instance can run it yet."


def stalls(found: Sequence[Stall]) -> Iterator[Text]:
    """Yield jobs that wait for somebody to act, the reason, and the next step."""
    stranded = [one for one in found if one.topic]
    for one in stranded[:STRANDED_SHOWN]:
        sentence = f"{one.count} of {one.topic} waiting, and no instance can run it: {one.why}"
        how = f"{one.next_step} See: manage.py offload explain {one.topic}"
        yield sanitized(f"{sentence}\n  -> {how}", "yellow")
    if len(stranded) > STRANDED_SHOWN:
        yield sanitized(f"All {len(stranded)} topics: manage.py offload topics", "yellow")
    for one in found:
        if one.queue:
            yield sanitized(f"{one.why} {one.next_step} ({one.count} waiting)", "yellow")


def later(cluster: Overview) -> str:
    """Return how many jobs are due later, and when the first one is."""
    if not cluster.later:
        return ""
    retrying = f" ({cluster.retrying} of them before a retry)" if cluster.retrying else ""
    return f", {cluster.later} due later{retrying}, the first in {times.seconds(cluster.due_in)}"


def failing(failed: Failures) -> Iterator[str | Text]:
    """Yield recent failures."""
    if not failed.day:
        return
    count = f"{failed.day}{' or more' if failed.is_capped else ''}"
    sentence = f"Failed: {failed.hour} in the last hour, {count} in the last day."
    yield sanitized(f"{sentence} See: manage.py offload jobs --state failed", "red")
    for line in failed.lines[:FAILURES_SHOWN]:
        message = truncated((line.error.strip().splitlines() or [""])[0], MESSAGE_CHARACTERS)
        what = line.name if message in line.name else f"{line.name}: {message}"
        yield sanitized(f"  {line.hour} / {line.day} of {line.topic}: {what}")


def ruled(book: Sequence[RuleLine]) -> Iterator[Text]:
    """Yield the rules that keep a live instance from something."""
    biting = [line for line in book if line.instances]
    for line in biting[:RULES_SHOWN]:
        yield sanitized(f"{', '.join(line.instances)}: {line}", "yellow")
    if len(biting) > RULES_SHOWN:
        yield sanitized(f"All {len(biting)} rules: manage.py offload rules", "yellow")


STATUS = Verb(
    name="status",
    help="show the cluster in a few lines; bound jobs have an instance and have not begun",
    run=run,
)
