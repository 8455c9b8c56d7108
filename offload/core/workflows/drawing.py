"""A graph as a picture: boxes in columns, and arrows between them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.texts import truncated
from offload.core.workflows.graphs import levels

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.workflows.graphs import Graph, StepSpec

#: Sizes of a box and of the room between boxes, in pixels.
WIDTH, HEIGHT, ACROSS, DOWN, MARGIN = 230, 44, 50, 14, 6
#: Characters that fit in a box.
LETTERS = 27


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A step in the picture."""

    name: str
    text: str
    #: The second line: the condition, or the topic.
    small: str
    x: int
    y: int

    #: Its sizes.
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def middle(self) -> int:
        """Return the height of its middle."""
        return self.y + HEIGHT // 2

    @property
    def right(self) -> int:
        """Return the place of its right edge."""
        return self.x + WIDTH


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """The picture of a graph."""

    boxes: tuple[Box, ...]
    #: The paths of the arrows, as SVG writes them.
    arrows: tuple[str, ...]
    width: int
    height: int


def drawing(graph: Graph) -> Drawing:
    """Return the picture of a graph, from left to right."""
    boxes = _placed(graph)
    arrows = tuple(
        _arrow(boxes[need], boxes[spec.name])
        for spec in graph.steps
        for need in graph.needs(spec)
        if need in boxes and spec.name in boxes
    )
    return Drawing(
        boxes=tuple(boxes.values()),
        arrows=arrows,
        width=max((one.right for one in boxes.values()), default=0) + MARGIN,
        height=max((one.y + HEIGHT for one in boxes.values()), default=0) + MARGIN,
    )


def _placed(graph: Graph) -> Mapping[str, Box]:
    columns: defaultdict[int, int] = defaultdict(int)
    found = {}
    column_of = levels(graph)
    for spec in graph.steps:
        column = column_of.get(spec.name, 0)
        found[spec.name] = _box(spec, column, columns[column])
        columns[column] += 1
    return found


def _box(spec: StepSpec, column: int, row: int) -> Box:
    return Box(
        name=spec.name,
        text=truncated(spec.name, LETTERS),
        small=truncated(_small(spec), LETTERS + 4),
        x=MARGIN + column * (WIDTH + ACROSS),
        y=MARGIN + row * (HEIGHT + DOWN),
    )


def _small(spec: StepSpec) -> str:
    if spec.when:
        return f"when {spec.when}"
    if spec.each:
        return f"for each of {spec.each.place}"
    if spec.wait:
        return f"waits for {spec.wait}"
    return ", ".join(spec.outputs) or spec.topic


def _arrow(start: Box, end: Box) -> str:
    """Return a curve from the right of one box to the left of another."""
    bend = (start.right + end.x) // 2
    return (
        f"M{start.right},{start.middle} C{bend},{start.middle} {bend},{end.middle} "
        f"{end.x},{end.middle}"
    )
