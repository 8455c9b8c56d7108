"""The matrix: topics by instances, each cell with desired and applied, one part at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.browser.cluster.peers import PeersPart
from offload.browser.cluster.view_state import ListPage, ViewState
from offload.core.topics import is_topic
from offload.reading.cluster.cells import Cell, cell_of
from offload.reading.cluster.lines import TopicLine
from offload.reading.cluster.matrix_columns import Column, column_of, instances
from offload.reading.waiting.stalls import Stall, has_problem, holding, stalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.placement.topology import InstanceInfo
    from offload.reading.cluster.facts import ClusterFacts

#: With this many instances or more, buttons in cells are glyphs.
GLYPHS_FROM_INSTANCES = 4
#: With more cells than this, cells are glyphs, and one is shown in detail.
BUTTON_CELLS_MAX = 150
#: Rows and columns per page.
PAGE_ROWS, PAGE_COLUMNS = 50, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(TopicLine):
    """A topic, or a pattern that an instance consumes or a rule names."""

    cells: tuple[Cell, ...]
    #: The suspended queue that holds its jobs back, if any.
    suspended: str = ""
    #: Jobs that failed within the last hour, and the last day.
    failed_hour: int = 0
    failed_day: int = 0

    @property
    def is_pattern(self) -> bool:
        """Tell whether it stands for many topics."""
        return "*" in self.topic


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The page: for each topic and instance, what is desired and what is applied."""

    view: ViewState
    #: Jobs that wait for somebody to act, whichever part is shown.
    stalls: tuple[Stall, ...]
    topics: ListPage[str]
    instances: ListPage[InstanceInfo]
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    gone: tuple[str, ...]
    #: The cell that is shown in detail.
    chosen: Cell | None
    #: Totals, whichever part is shown.
    live: int
    ready: int
    #: Instances that recently left without saying goodbye.
    died: tuple[str, ...]
    #: Instances without a recent heartbeat that are not declared gone.
    silent: tuple[str, ...]
    #: Jobs that wait for an instance.
    waiting: int
    #: Jobs that are not due yet.
    later: int
    running: int
    #: Instances that have not applied the current rules.
    behind: tuple[str, ...]
    #: Other clusters; their instances are columns too.
    peers: PeersPart

    @property
    def is_dense(self) -> bool:
        """Tell whether there are too many instances for buttons with words."""
        return len(self.columns) >= GLYPHS_FROM_INSTANCES

    @property
    def is_compact(self) -> bool:
        """Tell whether there are too many cells for details in each."""
        return len(self.rows) * len(self.columns) > BUTTON_CELLS_MAX

    @property
    def differing(self) -> tuple[Cell, ...]:
        """Return the shown cells in which desired and applied differ."""
        shown = [cell for row in self.rows for cell in row.cells if cell.differs]
        return (*shown, self.chosen) if self.chosen and self.chosen.differs else tuple(shown)


def build(facts: ClusterFacts, view: ViewState | None = None) -> Matrix:
    """Build the part of the page that is asked for."""
    view = view or ViewState()
    live = facts.topology.live
    columns = ListPage.of(_instances(facts, view), page=view.across, size=PAGE_COLUMNS)
    topics = ListPage.of(_topics(facts, view), page=view.page, size=PAGE_ROWS)
    return Matrix(
        view=view,
        stalls=tuple(one for one in stalls(facts) if one.count),
        topics=topics,
        instances=columns,
        columns=tuple(column_of(facts, one) for one in columns.shown),
        rows=tuple(_row(facts, topic, columns.shown) for topic in topics.shown),
        gone=tuple(one.name for one in facts.topology.instances if not one.is_live),
        chosen=_chosen(facts, view.cell),
        live=len(live),
        ready=facts.ready,
        died=facts.died,
        silent=tuple(sorted(facts.silent)),
        waiting=sum(facts.counts.due(topic) for topic in facts.counts.waiting),
        later=sum(one.count for one in facts.counts.later.values()),
        running=sum(facts.counts.active.values()),
        behind=tuple(one.name for one in live if one.name in facts.behind),
        peers=PeersPart.of(facts),
    )


def _known(facts: ClusterFacts) -> frozenset[str]:
    failed = {line.topic for line in facts.failures.lines if is_topic(line.topic)}
    return facts.topics | failed


def _topics(facts: ClusterFacts, view: ViewState) -> list[str]:
    """Return the topics that match; all of them if the search text matches instances only."""
    every = sorted(_known(facts))
    found = view.narrowed(every, lambda topic: [topic])
    if not found and view.narrowed(instances(facts), _words):
        found = every
    return [one for one in found if not view.problems or has_problem(facts, one)]


def _instances(facts: ClusterFacts, view: ViewState) -> list[InstanceInfo]:
    """Return the instances that match; those with a problem first, if that is asked for."""
    every = list(instances(facts))
    found = view.narrowed(every, _words) or every
    if view.problems:
        found.sort(key=lambda one: not column_of(facts, one).has_problem)
    return found


def _words(instance: InstanceInfo) -> list[str]:
    return [instance.name, *instance.labels]


def _row(facts: ClusterFacts, topic: str, instances: Iterable[InstanceInfo]) -> Row:
    hour, day = facts.failed.get(topic, (0, 0))
    policy = holding(facts, topic)
    return facts.topic_line(
        topic,
        Row,
        cells=tuple(cell_of(facts, topic, instance) for instance in instances),
        suspended=policy.name if policy else "",
        failed_hour=hour,
        failed_day=day,
    )


def _chosen(facts: ClusterFacts, key: str) -> Cell | None:
    """Return the cell that a form names, unless its instance or topic is gone by now."""
    name, _space, topic = key.partition(" ")
    instance = facts.topology.instance(name)
    if instance is None or not instance.is_live or topic not in _known(facts):
        return None
    return cell_of(facts, topic, instance)
