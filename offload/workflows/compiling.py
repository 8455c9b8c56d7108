"""A canvas of steps becomes a graph; Celery itself leads any other canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.recognition import MAP_TASKS, of_signature
from offload.canvas.freezing.walk import many, options_of, parts_of, walk
from offload.core.exceptions import ConfigurationError
from offload.core.workflows import conditions
from offload.core.workflows.graphs import Graph, OnError, StepSpec, Tree, leaves
from offload.messaging.installation import celery_app
from offload.messaging.names import STEP_OPTION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Options of a part of a canvas that mean nothing to a graph.
NO_MEANING = frozenset({"task_id", "group_id", "root_id", "parent_id"})


def compiled(canvas: Mapping[str, Any], inputs: Sequence[str] = ()) -> Graph | None:
    """Return the graph of a canvas, as plain dicts; None if Celery has to lead it.

    That is so for a canvas with plain Celery tasks, or with options for several steps. Raise
    ConfigurationError if such a canvas has steps that only a graph can lead, and InvalidTopic.
    """
    if not _is_graph(canvas):
        _refuse_lost_meaning(canvas)
        return None
    steps: list[StepSpec] = []
    result = _add(steps, canvas, None)
    return Graph(steps=tuple(steps), inputs=tuple(inputs), result=result)


def _is_graph(part: Mapping[str, Any]) -> bool:
    """Return whether every task in a part of the canvas is a job of its own."""
    parts = parts_of(part)
    if parts is None:
        return part["task"] not in MAP_TASKS and of_signature(celery_app(), part) is not None
    if options_of(part).keys() - NO_MEANING:
        return False
    return all(_is_graph(one) for one in [*_tasks(parts.header), *_tasks(parts.inner)])


def _tasks(given: Any) -> list[Any]:
    return many(given)


def _refuse_lost_meaning(canvas: Mapping[str, Any]) -> None:
    for node in walk(canvas):
        if isinstance(node.options.get(STEP_OPTION), dict):
            problem = (
                "it has names, files or conditions, and the canvas has plain Celery tasks, or "
                "options for several steps, so Celery leads it, which knows none of these. Make "
                "every task a job, by base=OffloadTask, and give options to single steps"
            )
            topic = str(node.options.get("offload_topic") or node.signature["task"])
            raise ConfigurationError(setting=f"step {topic!r}", problem=problem)


def _add(steps: list[StepSpec], part: Mapping[str, Any], takes: Tree) -> Tree:
    """Add the steps of a part, which take these results; return the tree of its own results."""
    parts, kind = parts_of(part), part.get("subtask_type")
    if parts is None:
        return _add_step(steps, part, takes)
    if kind == "group":
        return [_add(steps, one, takes) for one in _tasks(parts.inner)]
    if kind == "chord":
        header = [_add(steps, one, takes) for one in _header(parts.header)]
        return _add(steps, parts.inner, header)
    for one in _tasks(parts.inner):
        takes = _add(steps, one, takes)
    return takes


def _header(given: Any) -> list[Any]:
    """Return the tasks of a chord's header, which may be a group."""
    inner = parts_of(given) if isinstance(given, dict) else None
    return _tasks(inner.inner if inner else given)


def _add_step(steps: list[StepSpec], part: Mapping[str, Any], takes: Tree) -> str:
    found = of_signature(celery_app(), part)
    said = part["options"].get(STEP_OPTION)
    said = said if isinstance(said, dict) else {}
    topic = found.topic if found else str(part["task"])
    each = conditions.read(said.get("each"))
    spec = StepSpec(
        name=said.get("called") or _free_name(topic, steps),
        topic=topic,
        inputs=tuple(said.get("inputs") or ()),
        outputs=tuple(said.get("outputs") or ()),
        when=conditions.read(said.get("when")),
        each=each if isinstance(each, conditions.StepResult) else None,
        on_error=OnError(said.get("on_error") or OnError.FAIL),
        takes=None if part.get("immutable") else takes,
        after=tuple(dict.fromkeys(leaves(takes))),
        signature=_bare(part),
    )
    steps.append(spec)
    return spec.name


def _free_name(topic: str, steps: Sequence[StepSpec]) -> str:
    same = sum(one.topic == topic for one in steps)
    return f"{topic}#{same + 1}" if same else topic


def _bare(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a signature without what the graph says already."""
    options = {name: one for name, one in part["options"].items() if name != STEP_OPTION}
    return {**part, "options": options}
