"""``queues``: the policies with what waits and runs under them, and what is changed of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.policies import QueueType
from offload.core.retries import UNLIMITED_RETRIES
from offload.management.terminal import Terminal, plain, table
from offload.management.verb import Options, Verb
from offload.management.verbs import queue_actions
from offload.reading.queues import queues

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from offload.reading.queues import QueueLine

HEADERS = ("queue", "topics", "limit", "retries", "waiting", "bound", "running")
FOLD = {"queue": 8, "topics": 12}


def run(terminal: Terminal, options: Options) -> None:
    """Show the queues, or change one."""
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
        "retries": policy.retry.retries,
        "retry_delay": policy.retry.delay,
        "backoff": policy.retry.backoff,
        "retention_days": policy.retention.days if policy.retention else None,
        "ranking": policy.ranking,
        "suspended": policy.suspended,
        "note": policy.note,
        "declared": policy.is_declared,
        "waiting": line.waiting,
        "bound": line.bound,
        "active": line.active,
    }


def row(line: QueueLine) -> tuple[object, ...]:
    """Return a queue as cells of HEADERS."""
    policy = line.policy
    retries = policy.retry.retries
    return (
        plain(policy.name, "magenta" if policy.suspended else ""),
        "\n".join(one.text for one in policy.patterns),
        "in order" if policy.type is QueueType.ORDERED else str(policy.limit or "none"),
        "forever" if retries == UNLIMITED_RETRIES else str(retries),
        line.waiting,
        line.bound,
        line.active,
    )


def notes(lines: tuple[QueueLine, ...]) -> Iterator[Text]:
    """Yield why queues are suspended, and which are the settings' own."""
    for line in lines:
        if line.policy.suspended:
            note = f": {line.policy.note}" if line.policy.note else ""
            how = f"manage.py offload queues resume {line.policy.name}"
            yield plain(f"{line.policy.name} is suspended{note}. To go on: {how}", "yellow")
    declared = [line.policy.name for line in lines if line.policy.is_declared]
    if declared:
        yield plain(f'Declared in OFFLOAD["QUEUES"]: {", ".join(declared)}.', "dim")


QUEUES = Verb(
    name="queues",
    help="list queues: limits, retries, and their jobs; add, set, suspend, resume, remove one",
    arguments=queue_actions.arguments,
    run=run,
)
