"""``status``: the cluster in a few lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.topology import Mode
from offload.engine.overview import overview
from offload.management.terminal import Terminal, plain
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.text import Text

    from offload.engine.overview import Overview


def run(terminal: Terminal, _: Options) -> None:
    """Show how many instances and jobs there are, and what needs a look."""
    seen = overview()
    terminal.answer(facts(seen), *lines(seen))


def facts(seen: Overview) -> dict[str, object]:
    """Return the numbers."""
    return {
        "cluster": settings().cluster,
        "leader": seen.leader,
        "term": seen.term,
        "instances": sum(line.mode is not Mode.GONE for line in seen.instances),
        "ready": seen.ready,
        "waiting": seen.waiting,
        "bound": seen.bound,
        "active": seen.active,
        "stranded": [line.topic for line in seen.topics if line.waiting and not line.can_run],
    }


def lines(seen: Overview) -> Iterator[str | Text]:
    """Return the same for people, with the next step where one is needed."""
    here = sum(line.mode is not Mode.GONE for line in seen.instances)
    leader = f"{seen.leader} leads (term {seen.term})" if seen.leader else "nobody leads"
    yield f"Cluster {settings().cluster}: {seen.ready} of {here} instances take work, {leader}."
    yield f"Jobs: {seen.waiting} waiting, {seen.bound} bound, {seen.active} running."
    for line in seen.topics:
        if line.waiting and not line.can_run:
            told = f"{line.waiting} of {line.topic} waiting, and no instance can run it"
            yield plain(f"{told}: manage.py offload explain {line.topic}", "yellow")
    if not here:
        told = "No worker is here. 'manage.py offload doctor' says how to start one."
        yield plain(told, "yellow")


STATUS = Verb(name="status", help="show the cluster in a few lines", run=run)
