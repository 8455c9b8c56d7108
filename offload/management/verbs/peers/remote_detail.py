"""One instance of another cluster, for people and as JSON values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from rich.table import Table

from offload.management.arguments import times
from offload.management.json_output import as_json
from offload.management.terminal import sanitized, table
from offload.management.verbs.jobs import transfers
from offload.management.verbs.peers import peer_lines, request_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.core.placement.topology import RoutingRule
    from offload.reading.cluster.remote_page import RemotePage, RemoteTopic

TOPIC_HEADERS = ("topic", "here", "there", "why", "task")
TOPIC_FOLD = {"topic": 12, "why": 20, "task": 12}
RULE_HEADERS = ("rule there", "topics", "until")
UNTOLD = "It has not announced which rules of its own cluster it follows."
NONE_THERE = "No rule of {peer} applies to it."
GONE = "{peer} does not announce {name} any more."


def lines(page: RemotePage) -> Iterator[str | Text | Table]:
    """Yield the facts that an instance announced, its topics by the rules, and requests."""
    yield _facts(page)
    if page.topics:
        yield ""
        yield table(TOPIC_HEADERS, map(_topic_row, page.topics), fold=TOPIC_FOLD)
    if page.more:
        yield f"And {page.more} more."
    if page.requests:
        yield ""
        rows = map(request_lines.row, page.requests)
        yield table(request_lines.HEADERS, rows, fold=request_lines.FOLD)
    yield ""
    yield from _rules_there(page)


def moved(page: RemotePage) -> Iterator[str | Table]:
    """Yield the transfers of files with an instance, if there were any."""
    if page.transfers:
        yield ""
        yield table(transfers.HEADERS, map(transfers.row, page.transfers), fold=transfers.FOLDS)


def facts(page: RemotePage) -> dict[str, object]:
    """Return an instance as JSON values: as in the list of all, and what only its page has."""
    there = page.there
    announced = peer_lines.remote_facts(page.line, page.peer) if page.line else {}
    return {
        "name": page.name,
        "cluster": page.peer.name,
        "announced": page.line is not None,
        **announced,
        "heard_ago": page.peer.heard_ago,
        "lets_rule": page.peer.lets_rule,
        "topics": [_topic_facts(one) for one in page.topics],
        "rules_there": there and {"off": there.is_off, "rules": _rule_facts(page.rules_there)},
        "requests": [request_lines.facts(one) for one in page.requests],
        "transfers": [asdict(one) for one in page.transfers],
    }


def _facts(page: RemotePage) -> Table:
    made = Table.grid(padding=(0, 2))
    for name, value in _named(page):
        if value:
            made.add_row(sanitized(name, "dim"), value)
    return made


def _named(page: RemotePage) -> Iterator[tuple[str, str | Text]]:
    peer, line = page.peer, page.line
    yield "instance", sanitized(page.name)
    yield "cluster", sanitized(f"{peer.name}, heard ").append_text(peer_lines.heard(peer))
    if line is None:
        yield "", sanitized(GONE.format(peer=peer.name, name=page.name), "yellow")
        return
    info = line.info
    yield "mode", sanitized("silent" if peer.silent_for is not None else peer_lines.mode(line))
    yield "leader", "it leads its cluster" if info.is_leader else ""
    yield "labels", sanitized(", ".join(sorted(info.labels)))
    running = "?" if line.running is None else line.running
    yield "running", f"{running} of {info.concurrency}"
    yield "room", "" if line.room is None else f"for {line.room} of {info.window} jobs"
    for one in page.properties:
        value = one.value if isinstance(one.value, str) else as_json(one.value)
        yield one.name, sanitized(value)


def _topic_row(one: RemoteTopic) -> tuple[object, ...]:
    cell = one.cell
    why = " ".join(filter(None, (cell.desired.why, cell.there.why if cell.there else "")))
    there = cell.there.status if cell.there else "?"
    return cell.pattern, cell.desired.status, there, why, one.task


def _topic_facts(one: RemoteTopic) -> dict[str, object]:
    cell = one.cell
    return {
        "pattern": cell.pattern,
        "task": one.task,
        "here": cell.desired.status,
        "why": cell.desired.why,
        "there": cell.there and cell.there.status,
        "why_there": cell.there.why if cell.there else "",
        "running": cell.running,
    }


def _rules_there(page: RemotePage) -> Iterator[str | Table]:
    if page.there is None:
        yield UNTOLD
    elif not page.rules_there:
        yield NONE_THERE.format(peer=page.peer.name)
    else:
        rows = [(one.verb, one.pattern, times.moment(one.until)) for one in page.rules_there]
        yield table(RULE_HEADERS, rows, fold={"topics": 12})


def _rule_facts(rules: Sequence[RoutingRule]) -> list[dict[str, object]]:
    return [{"verb": one.verb, "pattern": one.pattern.text, "until": one.until} for one in rules]
