"""``queues``: list the queues with their jobs, or change one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.matching.rescue import Rescue
from offload.core.moments import span
from offload.core.placement.judgement import noted
from offload.core.policies import ClusterOrder, QueueType
from offload.core.retries import UNLIMITED_RETRIES
from offload.management.arguments import times
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.management.verbs import queue_actions
from offload.reading.cluster.queues import queues

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from offload.core.matching.rescue import RescueRule
    from offload.core.policies import Policy
    from offload.reading.cluster.queues import QueueLine

HEADERS = ("queue", "topics", "limit", "retries", "waiting", "bound", "running")
WHERE = {
    ClusterOrder.BALANCED: "own instances and those of other clusters count alike",
    ClusterOrder.REMOTE_FIRST: "instances of other clusters come first",
}
RESCUES = {
    Rescue.ELSEWHERE: "what is lost runs elsewhere, if another instance can",
    Rescue.SAME: "what is lost runs at the same instance, or anywhere",
    Rescue.SAME_OR_ERROR: "what is lost runs at the same instance, or ends as ERROR",
}
FOLD = {"queue": 8, "topics": 12}


def run(terminal: Terminal, options: Options) -> None:
    """Show the queues, or change one of them."""
    if options["action"]:
        queue_actions.run(terminal, options)
        return
    known = queues()
    shown = table(HEADERS, map(row, known), fold=FOLD)
    terminal.answer([facts(one) for one in known], shown, *notes(known))


def facts(line: QueueLine) -> dict[str, object]:
    """Return a queue as JSON values."""
    policy = line.policy
    return {
        "name": policy.name,
        "topics": [one.text for one in policy.patterns],
        "type": policy.type,
        "limit": policy.limit,
        "max_per_instance": policy.max_per_instance,
        "max_per_host": policy.max_per_host,
        "key": policy.keys.path,
        "max_per_key": policy.keys.most,
        "fair": policy.keys.is_fair,
        "weights": dict(policy.keys.weights),
        "rate": str(policy.rate) if policy.rate else None,
        "burst": policy.rate.burst if policy.rate else None,
        "windows": list(policy.windows.texts) if policy.windows else [],
        "time_zone": policy.windows.zone.key if policy.windows else None,
        "ageing": policy.ageing,
        **_placement(policy),
        **_again(policy),
        "retention_days": policy.retention.days if policy.retention else None,
        "ranking": policy.ranking,
        "suspended": policy.suspended,
        "drains": policy.drains,
        "held_since": policy.held_since,
        "held_by": policy.held_by,
        "note": policy.note,
        "declared": policy.is_declared,
        "waiting": line.waiting,
        "bound": line.bound,
        "active": line.active,
    }


def _placement(policy: Policy) -> dict[str, object]:
    """Return the facts of a queue about the instances for its jobs, as JSON values."""
    return {
        "cluster_order": policy.cluster_order,
        "requires": policy.requires.given,
        "prefers": policy.prefers.given,
        "retry_with": policy.escalation.given,
        "leader_only": policy.leader_only,
        "prefer_creation_instance": policy.prefer_creation_instance,
        "resources": policy.resources.given,
    }


def _again(policy: Policy) -> dict[str, object]:
    """Return the facts of a queue about further attempts, as JSON values."""
    return {
        "retries": policy.retry.retries,
        "retry_delay": policy.retry.delay,
        "backoff": policy.retry.backoff,
        "retry_on": list(policy.retry.errors.only),
        "no_retry_on": list(policy.retry.errors.never),
        "rerun": policy.rerun,
        "rescue": policy.rescue.where,
        "rescue_seconds": policy.rescue.seconds,
    }


def row(line: QueueLine) -> tuple[object, ...]:
    """Return a queue as cells of HEADERS."""
    policy = line.policy
    retries = policy.retry.retries
    return (
        sanitized(policy.name, "magenta" if policy.suspended else ""),
        "\n".join(one.text for one in policy.patterns),
        "in order" if policy.type is QueueType.ORDERED else str(policy.limit or "none"),
        "forever" if retries == UNLIMITED_RETRIES else str(retries),
        line.waiting,
        line.bound,
        line.active,
    )


def notes(lines: tuple[QueueLine, ...]) -> Iterator[Text]:
    """Yield more about queues: what they require, why they are suspended, who declares them."""
    for line in lines:
        if line.policy.cluster_order is not ClusterOrder.LOCAL_FIRST:
            yield sanitized(f"{line.policy.name}: {WHERE[line.policy.cluster_order]}.", "dim")
        if told := by_keys(line.policy):
            yield sanitized(f"{line.policy.name}: {told}.", "dim")
        if rate := line.policy.rate:
            yield sanitized(f"{line.policy.name}: {rate}, at most {rate.burst} at once.", "dim")
        if ageing := line.policy.ageing:
            yield sanitized(f"{line.policy.name}: {ageing:g} s of waiting are a priority.", "dim")
        if line.policy.windows is not None:
            yield sanitized(f"{line.policy.name} runs {line.policy.windows}.", "dim")
        if not line.policy.rerun:
            yield sanitized(
                f"{line.policy.name}: what is lost does not run again by itself.", "dim"
            )
        if (rule := line.policy.rescue).where is not Rescue.ANYWHERE:
            yield sanitized(f"{line.policy.name}: {RESCUES[rule.where]}{_wait(rule)}.", "dim")
        if line.policy.requires:
            yield sanitized(f"{line.policy.name} requires {line.policy.requires}.", "dim")
        if line.policy.prefers:
            yield sanitized(f"{line.policy.name} prefers {line.policy.prefers}.", "dim")
        if line.policy.escalation:
            yield sanitized(f"{line.policy.name} retries with {line.policy.escalation}.", "dim")
        if line.policy.leader_only:
            yield sanitized(f"{line.policy.name} runs at the leading instance alone.", "dim")
        if line.policy.prefer_creation_instance:
            yield sanitized(f"{line.policy.name} prefers the instance that creates a job.", "dim")
        if line.policy.resources:
            yield sanitized(f"{line.policy.name} uses {line.policy.resources}.", "dim")
        if line.policy.suspended or line.policy.drains:
            how = f"manage.py offload queues resume {line.policy.name}"
            yield sanitized(f"{held(line.policy)} To resume it: {how}", "yellow")
    declared = [line.policy.name for line in lines if line.policy.is_declared]
    if declared:
        yield sanitized(f'Declared in OFFLOAD["QUEUES"]: {", ".join(declared)}.', "dim")


def _wait(rule: RescueRule) -> str:
    return f" after {span(rule.seconds)}" if rule.where.waits else ""


def held(policy: Policy) -> str:
    """Return a sentence about a queue that is suspended or drains: since when, by whom and why."""
    state = "is suspended" if policy.suspended else "drains"
    since = f" since {times.moment(policy.held_since)}" if policy.held_since else ""
    by = f" by {policy.held_by}" if policy.held_by else ""
    return noted(f"{policy.name} {state}{since}{by}", policy.note)


def by_keys(policy: Policy) -> str:
    """Say what a queue does by keys, by topics and per instance; "" for nothing."""
    keys, most = policy.keys, policy.max_per_instance
    weights = ", ".join(f"{key}={weight}" for key, weight in keys.weights)
    said = (
        f"its key is {keys.path}" if keys.path else "",
        "one job of a key at a time, in order" if policy.type is QueueType.ORDERED_PER_KEY else "",
        f"at most {keys.most} at once of a key" if keys.most is not None else "",
        "keys take turns" + (f" ({weights})" if weights else "") if keys.is_fair else "",
        "topics take turns" if policy.type is QueueType.TOPIC_ROUND_ROBIN else "",
        "" if most is None else f"at most {_per_instance(most)} on an instance",
        "" if policy.max_per_host is None else f"at most {policy.max_per_host} on a host",
    )
    return "; ".join(filter(None, said))


def _per_instance(most: float) -> str:
    if most < 0:
        return "as many as its processes"
    return f"{most:g}" if most >= 1 else f"{most:g} of its processes"


QUEUES = Verb(
    name="queues",
    help="list queues: limits, retries, and their jobs; add, set, suspend, resume, remove one",
    arguments=queue_actions.arguments,
    run=run,
)
