"""``peers``: list the other clusters, what was heard of them, and what was refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import peers as known_peers
from offload.management.arguments import times
from offload.management.colours import coloured
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.management.verbs.peers import peer_actions, request_lines
from offload.reading.peers import clusters
from offload.reading.peers.clusters import ClockLevel

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table
    from rich.text import Text

    from offload.core.peers.peer_switches import Position
    from offload.reading.peers.clusters import PeerLine, RefusalLine
    from offload.reading.peers.remote_instances import RemoteLine

HEADERS = ("cluster", "heard", "instances", "leader", "clock", "key", "version", "lease")
REMOTE_HEADERS = ("instance", "mode", "running", "room", "consumers", "labels", "")
FOLD = {"cluster": 12, "leader": 12}
REMOTE_FOLD = {"instance": 12, "consumers": 16, "labels": 8}
NONE = 'No other cluster is known here. To name some: OFFLOAD["PEERS"] in docs/settings.md.'
COLOURS = {ClockLevel.OK: "", ClockLevel.WARNING: "yellow", ClockLevel.CRITICAL: "red"}

#: The actions that set no switch.
ACTIONS = {
    request_lines.REQUESTS: request_lines.requests,
    request_lines.WITHDRAW: request_lines.withdraw,
}


def run(terminal: Terminal, options: Options) -> None:
    """Show the other clusters, their instances, and refused messages; or set a switch."""
    if options["action"]:
        ACTIONS.get(options["action"], peer_actions.run)(terminal, options)
        return
    lines, nobodys = clusters.read(), clusters.unknown_refusals()
    shown: list[str | Text | Table] = [NONE]
    if lines:
        own = known_peers().own_name
        shown = [f"This cluster is {own}.", table(HEADERS, map(row, lines), fold=FOLD)]
        shown += switched(lines)
        shown += remote(lines)
        shown += [one for line in lines for one in refused(line.name, line.refusals)]
        shown += refused("", nobodys)
    terminal.answer([facts(one) for one in lines], *shown)


def switched(lines: Sequence[PeerLine]) -> Iterator[Text]:
    """Yield the switches that are off, here or there, and those that somebody set on."""
    for one in (*lines[0].off_for_all, *(one for line in lines for one in line.switches)):
        if not one.is_on:
            yield sanitized(one.sentence, "yellow")
        elif one.is_set:
            yield sanitized(f"{one.switch.doing(one.peer)} was switched on by {one.by}.", "dim")
    for line in lines:
        if line.lets_rule:
            yield sanitized(f"{line.name} lets this cluster change its rules.", "dim")
        if not line.is_accepting:
            yield sanitized(f"{line.name} says that it accepts no jobs from here.", "yellow")


def row(line: PeerLine) -> tuple[str | Text, ...]:
    """Return a cluster as cells of HEADERS."""
    return (
        line.name,
        heard(line),
        f"{line.ready}/{len(line.instances) + line.left_out}",
        line.leader,
        clock(line),
        line.key_id
        if line.key_id in {"", line.own_key_id}
        else f"{line.key_id}, here {line.own_key_id}",
        "" if line.protocol is None else str(line.protocol),
        "" if line.lease_left is None else times.seconds(line.lease_left),
    )


def key(line: PeerLine) -> str:
    """Return the id of the key that a cluster signs with, and of the own one if it differs."""
    is_same = line.key_id in {"", line.own_key_id}
    return line.key_id if is_same else f"{line.key_id}, here {line.own_key_id}"


def heard(line: PeerLine) -> Text:
    """Return when something was heard of a cluster last."""
    if line.heard_ago is None:
        return sanitized("never", "red")
    ago = f"{times.seconds(line.heard_ago)} ago"
    if line.silent_for is None:
        return sanitized(ago)
    return sanitized(f"{ago}, silent for {times.seconds(line.silent_for)}", "red")


def clock(line: PeerLine) -> Text:
    """Return the difference of the clocks, coloured if it is too large."""
    if line.clock_ahead is None:
        return sanitized("")
    return sanitized(f"{line.clock_ahead:+.1f} s", COLOURS[line.clock_level])


def remote(lines: Sequence[PeerLine]) -> Iterator[str | Table]:
    """Yield a table of other clusters' instances, after an empty line."""
    rows = [remote_row(one, line) for line in lines for one in line.instances]
    if rows:
        yield ""
        yield table(REMOTE_HEADERS, rows, fold=REMOTE_FOLD)
    for line in lines:
        if line.left_out:
            yield f"{line.name} has {line.left_out} more; its announcement had no place for them."


def remote_row(one: RemoteLine, line: PeerLine) -> tuple[str | Text, ...]:
    """Return another cluster's instance as cells of REMOTE_HEADERS."""
    info = one.info
    return (
        info.name,
        coloured("silent" if line.silent_for is not None else mode(one)),
        f"{'?' if one.running is None else one.running}/{info.concurrency}",
        "" if one.room is None else str(one.room),
        ", ".join(consumer.pattern.text for consumer in info.consumers),
        ", ".join(sorted(info.labels)),
        "leads" if info.is_leader else "",
    )


def mode(one: RemoteLine) -> str:
    """Return the mode of another cluster's instance in a word."""
    return "off" if one.info.is_off else one.info.mode.value


def refused(name: str, refusals: Sequence[RefusalLine]) -> Iterator[Text]:
    """Yield the refused messages in a cluster's name; "" stands for no known key."""
    who = f"in the name of {name}" if name else "that name no key known here"
    for one in refusals:
        when = f"the last one {times.seconds(one.age_seconds)} ago"
        sentence = f"Refused messages {who}: {one.count} {one.kind}, {when}: {one.detail}."
        yield sanitized(sentence, "yellow")


def facts(line: PeerLine) -> dict[str, object]:
    """Return a cluster as JSON values."""
    return {
        "name": line.name,
        "heard_ago": line.heard_ago,
        "silent_for": line.silent_for,
        "lease_left": line.lease_left,
        "clock_ahead": line.clock_ahead,
        "clock": line.clock_level,
        "key": line.key_id,
        "own_key": line.own_key_id,
        "protocol": line.protocol,
        "own_protocol": line.own_protocol,
        "former_name": line.former_name,
        "leader": line.leader or None,
        "ready": line.ready,
        "left_out": line.left_out,
        "accepting": line.is_accepting,
        "lets_rule": line.lets_rule,
        "switches": {one.switch.value: position(one) for one in line.switches},
        "off_for_all": [one.switch.value for one in line.off_for_all],
        "instances": [remote_facts(one, line) for one in line.instances],
        "refusals": {one.kind: one.count for one in line.refusals},
    }


def position(one: Position) -> dict[str, object]:
    """Return the position of a switch as JSON values."""
    return {"on": one.is_on, "set": one.is_set, "by": one.by, "since": one.since, "note": one.note}


def remote_facts(one: RemoteLine, line: PeerLine) -> dict[str, object]:
    """Return another cluster's instance as JSON values."""
    info = one.info
    return {
        "name": info.name,
        "cluster": info.cluster,
        "mode": info.mode,
        "silent": line.silent_for is not None,
        "off": info.is_off,
        "leader": info.is_leader,
        "heard_ago": line.heard_ago,
        "concurrency": info.concurrency,
        "window": info.window,
        "running": one.running,
        "room": one.room,
        "consumers": [
            {"pattern": each.pattern.text, "task": each.task, "ranking": each.ranking}
            for each in info.consumers
        ],
        "labels": sorted(info.labels),
        "properties": dict(info.properties),
    }


PEERS = Verb(
    name="peers",
    help="list other clusters: when they were heard, their instances, clocks and keys, the lease "
    "for which their jobs may begin here, refused messages, and what is switched off; or switch "
    "sending, accepting or moving off or on; or list and withdraw requests to change their rules",
    arguments=peer_actions.arguments,
    run=run,
)
