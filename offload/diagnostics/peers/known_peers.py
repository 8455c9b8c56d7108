"""Other clusters: whether they are heard, by the same protocol and clock, and what is refused."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.conf import peers as configured
from offload.conf import settings
from offload.core.moments import between, span
from offload.core.peers.refusal import RefusalKind
from offload.core.peers.rule_requests import RequestState
from offload.core.texts import counted
from offload.diagnostics.finding import Finding, fail, ok, warn
from offload.fleet import snapshots
from offload.reading.peers import clusters, lost_links
from offload.reading.peers.clusters import ClockLevel
from offload.reading.rules import peer_requests

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from offload.reading.peers.clusters import PeerLine, RefusalLine
    from offload.reading.peers.lost_links import LostJobs, UnansweredReports

SUBJECT = "peers"
#: Seconds for which a refusal is reported after the last message.
REPORTED_SECONDS = 86_400.0
#: Seconds after which a request without a verdict is reported; requests that are looked at.
LATE_SECONDS, REQUESTS_MAX = 60.0, 100
LOOK = "manage.py offload peers"
#: The next step for each reason to refuse a message.
STEPS: Mapping[str, str] = MappingProxyType(
    {
        RefusalKind.OTHER_VERSION: "Update offload in the older cluster.",
        RefusalKind.UNSIGNED: "Compare the KEYs of both clusters; somebody else may have sent it.",
        RefusalKind.FOREIGN: "Compare CLUSTER, PEERS and KEY of both clusters.",
        RefusalKind.OLD: "Compare the clocks of both clusters, and look how long messages wait.",
        RefusalKind.NOT_PERMITTED: "Add the topic to ACCEPT here, or MAY_RULE, as it says.",
        RefusalKind.STALE: "Its runs outlived a silence: look at the link, or raise TIMEOUT.",
        RefusalKind.FAILED: "Look at the workers' logs.",
    }
)


def examine() -> Iterator[Finding]:
    """Yield findings about each cluster that the settings name."""
    lines = clusters.read()
    for one in lines[0].off_for_all if lines else ():
        yield warn(SUBJECT, one.sentence, f"To switch it on: {LOOK} {one.switch} on --all")
    for line in lines:
        yield _presence(line)
        yield from _spoken(line)
        yield from _renamed(line)
        yield from _clock(line)
        yield from _switches(line)
        yield from _refusals(f"in the name of {line.name}", line.refusals)
    yield from _refusals("that name no key known here", clusters.unknown_refusals())
    yield from map(_lost, lost_links.lost_jobs())
    yield from map(_unanswered, lost_links.unanswered())
    yield from _requests(snapshots.now())


def _presence(line: PeerLine) -> Finding:
    if line.heard_ago is None:
        step = f"Start its workers and compare BROKER, CLUSTER and KEY of both. See: {LOOK}"
        return warn(SUBJECT, f"Nothing was ever heard of the cluster {line.name}.", step)
    age = span(line.heard_ago)
    if line.silent_for is not None:
        fact = f"The cluster {line.name} was heard {age} ago and is silent; nothing is sent there."
        return warn(SUBJECT, fact, f"Look at its workers and at the broker. See: {LOOK}")
    count = f"{line.ready} of {len(line.instances) + line.left_out} instances take work"
    return ok(SUBJECT, f"{line.name} was heard {age} ago: {count}.")


def _spoken(line: PeerLine) -> Iterator[Finding]:
    if line.heard_ago is not None:
        keys = f"the key {line.key_id}, this cluster with {line.own_key_id}"
        yield ok(SUBJECT, f"{line.name} signs with {keys}.")
        versions = f"protocol {line.protocol}, this cluster {line.own_protocol}"
        yield ok(SUBJECT, f"{line.name} speaks {versions}.")


def _renamed(line: PeerLine) -> Iterator[Finding]:
    if line.former_name:
        fact = f"{line.name} knows this cluster as {line.former_name!r}, its former CLUSTER."
        step = "Rename it in the PEERS of that cluster, or take the former name back."
        yield warn(SUBJECT, fact, step)


def _clock(line: PeerLine) -> Iterator[Finding]:
    if line.clock_ahead is None:
        return
    way = "ahead of" if line.clock_ahead > 0 else "behind"
    fact = f"The clock of {line.name} is {abs(line.clock_ahead):.1f} s {way} the one here."
    if line.clock_level is ClockLevel.OK:
        yield ok(SUBJECT, fact)
        return
    step = "Synchronise both by NTP: messages that seem too old are refused."
    yield (fail if line.clock_level is ClockLevel.CRITICAL else warn)(SUBJECT, fact, step)


def _switches(line: PeerLine) -> Iterator[Finding]:
    for one in line.switches:
        if not one.is_on:
            how = f"{LOOK} {one.switch} {line.name} on"
            yield warn(SUBJECT, one.sentence, f"To switch it on: {how}")
    if not line.is_accepting:
        fact = f"{line.name} says that it accepts no jobs from here; none are sent there."
        yield warn(SUBJECT, fact, f"Ask its people whether that is meant: {LOOK}, there.")


def _lost(lost: LostJobs) -> Finding:
    many = counted(lost.count, "job is", "jobs are")
    fact = f"{many} bound to {lost.peer}, which PEERS does not name any more."
    back = f"given back {settings().timeout:g} s after the restart of all workers"
    return warn(SUBJECT, fact, f"They are {back}; or name it in PEERS again.")


def _unanswered(reports: UnansweredReports) -> Finding:
    many = counted(reports.count, "report", "reports")
    fact = f"{reports.home} has not answered {many}, the oldest for {span(reports.age_seconds)}."
    if reports.home not in configured().by_name:
        fact = f"{fact} PEERS does not name {reports.home}, so none is sent."
    return warn(SUBJECT, fact, f"Look whether its workers run and take messages: {LOOK}")


def _requests(now: datetime) -> Iterator[Finding]:
    """Yield requests that have no verdict for a minute, and those refused in the last day."""
    for one in peer_requests.recent(is_open=True, most=REQUESTS_MAX):
        age = between(one.asked_at, now)
        if age > LATE_SECONDS:
            fact = f"{one.peer} has not answered request {one.number} for {span(age)}: {one.wish}."
            yield warn(SUBJECT, fact, f"To take it back: {LOOK} withdraw {one.number}")
    for one in peer_requests.recent(most=REQUESTS_MAX):
        is_refused = one.state is RequestState.REFUSED and one.answered_at is not None
        if is_refused and between(one.answered_at or now, now) < REPORTED_SECONDS:
            fact = f"{one.peer} refused request {one.number} by {one.by}: {one.wish}. {one.reason}"
            yield warn(SUBJECT, fact, f"Ask the people there. See: {LOOK} requests")


def _refusals(whose: str, refusals: tuple[RefusalLine, ...]) -> Iterator[Finding]:
    for one in refusals:
        if one.age_seconds < REPORTED_SECONDS:
            when = f"the last one {span(one.age_seconds)} ago"
            fact = f"Refused messages {whose}: {one.count} {one.kind}, {when}: {one.detail}."
            step = STEPS.get(one.kind, "Look whether somebody forges messages.")
            yield warn(SUBJECT, fact, f"{step} See: {LOOK}")
