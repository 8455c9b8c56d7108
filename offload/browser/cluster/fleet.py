"""The page of all instances: their health, the jobs they hold, the topics they consume."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from offload.browser.cluster.peers import PeersPart
from offload.browser.cluster.view_state import ListPage, ViewState
from offload.core.texts import version_of as digest
from offload.reading.cluster.lines import InstanceLine
from offload.reading.cluster.members import beat, member

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo
    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.cluster.members import Member

#: Instances per page.
PAGE_INSTANCES = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The page: instances in the order in which they joined, gone ones last."""

    view: ViewState
    part: ListPage[InstanceInfo]
    members: tuple[Member, ...]
    #: Counts over all instances, whichever the page shows.
    ready: int
    live: int
    version: str
    #: Other clusters, which are looked at alone.
    peers: PeersPart


def build(facts: ClusterFacts, view: ViewState | None = None) -> Fleet:
    """Build the part of the page that is asked for."""
    view = view or ViewState()
    part = ListPage.of(_ordered(facts, view), page=view.page, size=PAGE_INSTANCES)
    return Fleet(
        view=view,
        part=part,
        members=tuple(member(facts, one) for one in part.shown),
        ready=facts.ready,
        live=len(facts.topology.live),
        version=version_of(facts),
        peers=PeersPart.of(facts),
    )


def version_of(facts: ClusterFacts) -> str:
    """Return a text that changes with the page, but not with the age of a late heartbeat."""
    beats = [beat(facts, one) for one in facts.topology.live]
    shown = [one and (one.is_late or one.seconds) for one in beats]
    return digest((facts.version, shown))


def _ordered(facts: ClusterFacts, view: ViewState) -> list[InstanceInfo]:
    found = view.narrowed(facts.known, partial(_words, facts))
    if view.problems:
        found = [one for one in found if facts.instance_line(one, InstanceLine).has_problem]
    return sorted(found, key=lambda one: (not one.is_live, one.joined))


def _words(facts: ClusterFacts, instance: InstanceInfo) -> list[str]:
    consumed = [one.pattern.text for one in instance.consumers]
    return [instance.name, facts.lines[instance.name].host, *instance.labels, *consumed]
