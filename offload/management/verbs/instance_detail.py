"""``instances NAME``: one instance, of this cluster or of another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import UnknownInstance
from offload.management.arguments import times
from offload.management.colours import coloured
from offload.management.terminal import Terminal, table
from offload.management.verbs import rules
from offload.management.verbs.instance_lines import (
    facts,
    instances_table,
    limits,
    properties,
    suspicions,
)
from offload.management.verbs.peers import remote_detail
from offload.reading.cluster import facts as cluster_facts
from offload.reading.cluster import instance_page, known_names, remote_page
from offload.reading.rules.rulebook import rulebook

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table
    from rich.text import Text

    from offload.reading.cluster.instance_page import Held, InstancePage
    from offload.reading.rules.rulebook import RuleLine

JOB_HEADERS = ("job", "topic", "state", "bound", "started")
JOB_FOLD = {"job": 12, "topic": 12}
NO_RULE = "No rule applies to it: it may run everything it has a consumer for."
NO_JOB = "It holds no job."


def show(terminal: Terminal, name: str) -> None:
    """Show an instance; raise UnknownInstance if no cluster has one of that name."""
    found = cluster_facts.read()
    book = [one for one in rulebook() if name in (one.target, *one.instances)]
    if (there := remote_page.page(found, name)) is not None:
        said = {**remote_detail.facts(there), "rules": ruled(book), "jobs": held_facts(there.jobs)}
        parts = (*remote_detail.lines(there), *rules_part(book), *jobs_part(there.jobs))
        terminal.answer(said, *parts, *remote_detail.moved(there))
        return
    here = instance_page.page(found, name)
    if here is None:
        known = [*known_names.instances(), *found.remote]
        raise UnknownInstance(name=name, known=known)
    said = {
        **facts(here.member, book),
        "reserved": list(here.reserved),
        "jobs": held_facts(here.jobs),
    }
    terminal.answer(said, *own(here), *rules_part(book), *jobs_part(here.jobs))


def own(page: InstancePage) -> Iterator[str | Table | Text]:
    """Yield an own instance for people."""
    yield instances_table([page.member], is_long=True, is_wide=True)
    yield from suspicions([page.member])
    yield from limits([page.member])
    yield from properties([page.member])
    yield from page.reserved


def ruled(book: Sequence[RuleLine]) -> list[dict[str, object]]:
    """Return the rules here that apply to an instance, as JSON values."""
    return [rules.facts(one) for one in book]


def rules_part(book: Sequence[RuleLine]) -> Iterator[str | Table | Text]:
    """Yield the rules here that apply to an instance."""
    yield ""
    yield from rules.lines(book) if book else [NO_RULE]


def jobs_part(jobs: Sequence[Held]) -> Iterator[str | Table]:
    """Yield the jobs that an instance holds."""
    yield ""
    rows = [
        (one.id, one.topic, coloured(one.state), *map(times.moment, (one.bound_at, one.started_at)))
        for one in jobs
    ]
    yield table(JOB_HEADERS, rows, fold=JOB_FOLD) if rows else NO_JOB


def held_facts(jobs: Sequence[Held]) -> list[dict[str, object]]:
    """Return the jobs that an instance holds, as JSON values."""
    return [
        {
            "id": one.id,
            "topic": one.topic,
            "state": one.state,
            "bound": one.bound_at,
            "started": one.started_at,
        }
        for one in jobs
    ]
