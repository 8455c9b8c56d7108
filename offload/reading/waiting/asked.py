"""Open requests to other clusters that concern a topic there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.peers.rule_requests import cluster_and_node
from offload.core.topics import Pattern
from offload.reading.rules import peer_requests

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.placement.reasons import Verdict
    from offload.reading.rules.peer_requests import RequestLine


def sentence(topic: str, verdicts: Iterable[Verdict]) -> str:
    """Return the open requests about instances of other clusters that could run a topic.

    Without such an instance, nothing is asked of the database.
    """
    there = [one.instance for one in verdicts if one.task and cluster_and_node(one.instance)[0]]
    found = (one for one in peer_requests.open_about(there) if _concerns(one, topic))
    return " ".join(
        f"Request {one.number} by {one.by} waits for {one.peer}: {one.wish}." for one in found
    )


def _concerns(line: RequestLine, topic: str) -> bool:
    return not line.patterns or any(Pattern.parse(one).matches(topic) for one in line.patterns)
