"""A canvas of steps becomes a graph; Celery itself leads any other canvas."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from offload.canvas.freezing.recognition import CELERY_PREFIX, of_signature, plain_topic
from offload.canvas.freezing.walk import many, options_of, parts_of, walk
from offload.core.exceptions import ConfigurationError
from offload.core.matching.call_placement import OPTION, CallPlacement
from offload.core.workflows import conditions, waits
from offload.core.workflows.graphs import Graph, OnError, StepSpec, Tree
from offload.core.workflows.waits import WaitKind
from offload.messaging.installation import celery_app
from offload.messaging.names import STEP_OPTION, TOPIC_OPTION, WAIT_TASK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: The parts of a canvas that only Celery can lead.
LED = "tasks of Celery's own such as map or chunks, or options for several steps"
#: Options of a part of a canvas that mean nothing to a graph.
NO_MEANING = frozenset({"task_id", "group_id", "root_id", "parent_id"})


def compiled(canvas: Mapping[str, Any], inputs: Sequence[str] = ()) -> Graph | None:
    """Return the graph of a canvas, as plain dicts; None if Celery has to lead it.

    That is so for a canvas with tasks of Celery's own, such as chunks, or with options for several
    steps. Raise ConfigurationError if such a canvas has steps that only a graph can lead, and
    InvalidTopic.
    """
    if not _is_graph(canvas):
        _refuse_lost_meaning(canvas)
        return None
    steps = FoundSteps()
    flow = _add(steps, canvas, START)
    return Graph(steps=tuple(steps.found), inputs=tuple(inputs), result=flow.results)


@dataclass(slots=True)
class FoundSteps:
    """The steps that were found so far, and how many of each topic."""

    found: list[StepSpec] = field(default_factory=list)
    topics: Counter[str] = field(default_factory=Counter)

    def add(self, spec: StepSpec) -> None:
        """Add a step."""
        self.found.append(spec)
        self.topics[spec.topic] += 1


class Flow(NamedTuple):
    """The end of a part of a canvas: the results that the next part takes."""

    results: Tree
    #: The steps that the next part waits for.
    after: tuple[str, ...]

    @classmethod
    def of(cls, parts: Sequence[Flow]) -> Flow:
        """Return the common end of parts side by side."""
        after = dict.fromkeys(name for one in parts for name in one.after)
        return cls([one.results for one in parts], tuple(after))


START = Flow(None, ())


def _is_graph(part: Mapping[str, Any]) -> bool:
    """Return whether every task in a part of the canvas is a job, or a plain task, of its own."""
    parts = parts_of(part)
    if parts is None:
        return part["task"] == WAIT_TASK or not part["task"].startswith(CELERY_PREFIX)
    if options_of(part).keys() - NO_MEANING:
        return False
    return all(_is_graph(one) for one in [*_tasks(parts.header), *_tasks(parts.inner)])


def _tasks(given: Any) -> list[Any]:
    return many(given)


def _refuse_lost_meaning(canvas: Mapping[str, Any]) -> None:
    for node in walk(canvas):
        said = node.options.get(STEP_OPTION)
        if isinstance(said, dict):
            problem = (
                f"it has a name, files or a condition, or waits, and the canvas has {LED}, so "
                "Celery leads it, which knows none of these. Write a step for each task, and give "
                "options to single steps"
            )
            name = said.get("called") or node.options.get(TOPIC_OPTION) or node.signature["task"]
            raise ConfigurationError(setting=f"step {str(name)!r}", problem=problem)


def _add(steps: FoundSteps, part: Mapping[str, Any], before: Flow) -> Flow:
    """Add the steps of a part of the canvas, which follow another; return its end."""
    parts, kind = parts_of(part), part.get("subtask_type")
    if parts is None:
        return _add_step(steps, part, before)
    if kind == "group":
        return Flow.of([_add(steps, one, before) for one in _tasks(parts.inner)])
    if kind == "chord":
        header = Flow.of([_add(steps, one, before) for one in _header(parts.header)])
        return _add(steps, parts.inner, header)
    for one in _tasks(parts.inner):
        before = _add(steps, one, before)
    return before


def _header(given: Any) -> list[Any]:
    """Return the tasks of a chord's header, which may be a group."""
    inner = parts_of(given) if isinstance(given, dict) else None
    return _tasks(inner.inner if inner else given)


def _add_step(steps: FoundSteps, part: Mapping[str, Any], before: Flow) -> Flow:
    said = part["options"].get(STEP_OPTION)
    said = said if isinstance(said, dict) else {}
    CallPlacement.of(part["options"].get(OPTION))
    wait = waits.read(said.get("wait"))
    found = None if wait else of_signature(celery_app(), part)
    plain = not wait and found is None
    topic = plain_topic(part["task"]) if plain else found.topic if found else ""
    each = conditions.read(said.get("each"))
    spec = StepSpec(
        name=_name(said, topic, steps),
        topic=topic,
        inputs=tuple(said.get("inputs") or ()),
        outputs=tuple(said.get("outputs") or ()),
        when=conditions.read(said.get("when")),
        each=each if isinstance(each, conditions.StepResult) else None,
        on_error=OnError(said.get("on_error") or OnError.FAIL),
        takes=None if wait or part.get("immutable") else before.results,
        after=before.after,
        signature={} if wait else _bare(part),
        wait=wait,
        plain=plain,
        compensate=said.get("compensate") or {},
    )
    steps.add(spec)
    is_passed_on = wait is not None and wait.kind is WaitKind.TIME
    return Flow(before.results if is_passed_on else spec.name, (spec.name,))


def _name(said: Mapping[str, Any], topic: str, steps: FoundSteps) -> str:
    if called := said.get("called"):
        return str(called)
    same = steps.topics[topic]
    return f"{topic}#{same + 1}" if same else topic


def _bare(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a signature without what the graph says already."""
    options = {name: one for name, one in part["options"].items() if name != STEP_OPTION}
    return {**part, "options": options}
