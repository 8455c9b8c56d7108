"""The matrix: topics by instances, each cell desired and applied, a part of it at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.browser.cluster.cells import Cell, cell_of
from offload.browser.cluster.look import ListPage, Look
from offload.core.topics import is_topic
from offload.reading.lines import InstanceLine, TopicLine
from offload.reading.stalls import Stall, holding, stalls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.placement.topology import InstanceInfo
    from offload.reading.cluster import ClusterFacts

#: From so many instances on, cells show buttons as glyphs.
GLYPHS_FROM_INSTANCES = 4
#: More cells than these are glyphs alone, and one of them is shown in detail.
BUTTON_CELLS_MAX = 150
#: Rows and columns of a page.
PAGE_ROWS, PAGE_COLUMNS = 50, 16
#: Instances that are behind and whose topics are looked through for problems.
EXAMINED_INSTANCES_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(TopicLine):
    """One topic, or a pattern that an instance consumes or a rule names."""

    cells: tuple[Cell, ...]
    #: The queue that holds its jobs back, if it is suspended.
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
    """The page: what is desired of whom, and what is applied."""

    look: Look
    #: What does not go on by itself, whatever is looked at.
    stalls: tuple[Stall, ...]
    topics: ListPage[str]
    instances: ListPage[InstanceInfo]
    columns: tuple[InstanceLine, ...]
    rows: tuple[Row, ...]
    gone: tuple[str, ...]
    #: The cell that is shown in detail.
    chosen: Cell | None
    #: Of all there is, whatever is looked at.
    live: int
    ready: int
    #: Those that went lately without a goodbye.
    died: tuple[str, ...]
    #: Those that do not beat, and that nobody has declared gone.
    silent: tuple[str, ...]
    #: Jobs that wait for an instance.
    waiting: int
    #: Jobs whose time has not come.
    later: int
    running: int
    #: Instances that act by other rules than those there are.
    behind: tuple[str, ...]

    @property
    def is_dense(self) -> bool:
        """Tell whether there are too many instances for words on buttons."""
        return len(self.columns) >= GLYPHS_FROM_INSTANCES

    @property
    def is_compact(self) -> bool:
        """Tell whether there are too many cells to say everything in each."""
        return len(self.rows) * len(self.columns) > BUTTON_CELLS_MAX

    @property
    def differing(self) -> tuple[Cell, ...]:
        """Return the cells that are shown and in which desired and applied differ."""
        shown = [cell for row in self.rows for cell in row.cells if cell.differs]
        return (*shown, self.chosen) if self.chosen and self.chosen.differs else tuple(shown)


def build(facts: ClusterFacts, look: Look | None = None) -> Matrix:
    """Make the page of the facts, as much of it as is looked at."""
    look = look or Look()
    live = facts.topology.live
    columns = ListPage.of(_instances(facts, look), page=look.across, size=PAGE_COLUMNS)
    topics = ListPage.of(_topics(facts, look), page=look.page, size=PAGE_ROWS)
    return Matrix(
        look=look,
        stalls=tuple(one for one in stalls(facts) if one.count),
        topics=topics,
        instances=columns,
        columns=tuple(facts.instance_line(one, InstanceLine) for one in columns.shown),
        rows=tuple(_row(facts, topic, columns.shown) for topic in topics.shown),
        gone=tuple(one.name for one in facts.topology.instances if not one.is_live),
        chosen=_chosen(facts, look.cell),
        live=len(live),
        ready=facts.ready,
        died=facts.died,
        silent=tuple(sorted(facts.silent)),
        waiting=sum(facts.counts.due(topic) for topic in facts.counts.waiting),
        later=sum(one.count for one in facts.counts.later.values()),
        running=sum(facts.counts.active.values()),
        behind=tuple(one.name for one in live if one.name in facts.behind),
    )


def _known(facts: ClusterFacts) -> frozenset[str]:
    failed = {line.topic for line in facts.failures.lines if is_topic(line.topic)}
    return facts.topics | failed


def _topics(facts: ClusterFacts, look: Look) -> list[str]:
    """Return the topics that are looked at; all of them where the text is of instances alone."""
    every = sorted(_known(facts))
    found = look.narrowed(every, lambda topic: [topic])
    if not found and look.narrowed(facts.topology.live, _words):
        found = every
    return [one for one in found if not look.problems or _has_problem(facts, one)]


def _instances(facts: ClusterFacts, look: Look) -> list[InstanceInfo]:
    """Return the instances that are looked at; those with a problem first, if that is asked for."""
    every = [one for one in facts.known if one.is_live]
    found = look.narrowed(every, _words) or every
    if look.problems:
        found.sort(key=lambda one: not facts.instance_line(one, InstanceLine).has_problem)
    return found


def _words(instance: InstanceInfo) -> list[str]:
    return [instance.name, *instance.labels]


def _has_problem(facts: ClusterFacts, topic: str) -> bool:
    if topic in facts.failed:
        return True
    if facts.counts.due(topic) and (_suspended(facts, topic) or not facts.can_anyone(topic)):
        return True
    return any(cell_of(facts, topic, one).differs for one in _behind(facts))


def _behind(facts: ClusterFacts) -> Iterable[InstanceInfo]:
    return [one for one in facts.topology.live if one.name in facts.behind][:EXAMINED_INSTANCES_MAX]


def _row(facts: ClusterFacts, topic: str, instances: Iterable[InstanceInfo]) -> Row:
    hour, day = facts.failed.get(topic, (0, 0))
    return facts.topic_line(
        topic,
        Row,
        cells=tuple(cell_of(facts, topic, instance) for instance in instances),
        suspended=_suspended(facts, topic),
        failed_hour=hour,
        failed_day=day,
    )


def _suspended(facts: ClusterFacts, topic: str) -> str:
    policy = holding(facts, topic)
    return policy.name if policy else ""


def _chosen(facts: ClusterFacts, key: str) -> Cell | None:
    """Return the cell that a form names, unless the instance or the topic has gone meanwhile."""
    name, _space, topic = key.partition(" ")
    instance = facts.topology.instance(name)
    if instance is None or not instance.is_live or topic not in _known(facts):
        return None
    return cell_of(facts, topic, instance)
