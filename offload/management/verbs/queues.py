"""``queues``: the policies, and what waits and runs under them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.engine.queues import queues
from offload.management.terminal import Terminal, table
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from offload.engine.queues import QueueLine

HEADERS = ("queue", "topics", "type", "limit", "retries", "waiting", "bound", "running", "")


def run(terminal: Terminal, _: Options) -> None:
    """Show the queues."""
    known = queues()
    shown = table(HEADERS, map(row, known), fold={"queue": 10, "topics": 12})
    terminal.answer([facts(one) for one in known], shown)


def facts(line: QueueLine) -> dict[str, object]:
    """Return a queue as JSON values."""
    policy = line.policy
    return {
        "name": policy.name,
        "topics": [one.text for one in policy.patterns],
        "type": policy.type,
        "limit": policy.limit,
        "retries": policy.retry.retries,
        "retry_delay": policy.retry.delay,
        "ranking": policy.ranking,
        "suspended": policy.suspended,
        "waiting": line.waiting,
        "bound": line.bound,
        "active": line.active,
    }


def row(line: QueueLine) -> tuple[object, ...]:
    """Return a queue as cells of HEADERS."""
    policy = line.policy
    return (
        policy.name,
        "\n".join(one.text for one in policy.patterns),
        policy.type,
        "none" if policy.limit is None else str(policy.limit),
        policy.retry.retries,
        line.waiting,
        line.bound,
        line.active,
        "suspended" if policy.suspended else "",
    )


QUEUES = Verb(name="queues", help="list queues: limits, retries, and their jobs", run=run)
