"""The catalogue of workflows: each with its graph, or with what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import OffloadError
from offload.core.texts import as_text
from offload.core.workflows.drawing import drawing
from offload.core.workflows.mermaid import mermaid
from offload.fleet.consumers import is_loaded
from offload.workflows.compiling import LED
from offload.workflows.definitions import all_definitions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.workflows.drawing import Drawing
    from offload.core.workflows.graphs import Graph, StepSpec
    from offload.workflows.definitions import Definition


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A workflow as people see it."""

    name: str
    version: str
    parameters: str
    inputs: tuple[str, ...]
    #: None if it cannot be drawn.
    graph: Graph | None
    #: Why it cannot run, or be drawn.
    problem: str = ""
    #: Whether that keeps its runs from starting.
    is_broken: bool = False
    #: Topics of its steps that no consumer of this code takes.
    unknown_topics: tuple[str, ...] = ()


def catalogue() -> tuple[Described, ...]:
    """Return all workflows, by name."""
    return tuple(described(one) for one in all_definitions())


def described(known: Definition, parameters: Mapping[str, Any] | None = None) -> Described:
    """Return a workflow with these parameters, by default those of its example."""
    given = {**known.example, **(parameters or {})}
    graph, problem, is_broken = _graph(known, given)
    jobs = [one for one in _calls(graph) if one.topic and not one.plain] if graph else []
    topics = dict.fromkeys(one.topic for one in jobs)
    return Described(
        name=known.name,
        version=known.version_of(graph, given),
        parameters=known.parameters,
        inputs=known.inputs,
        graph=graph,
        problem=problem,
        is_broken=is_broken,
        unknown_topics=tuple(one for one in topics if not is_loaded(one)),
    )


def _calls(graph: Graph) -> tuple[StepSpec, ...]:
    return (*graph.steps, *graph.undos.values())


def _graph(known: Definition, parameters: Mapping[str, Any]) -> tuple[Graph | None, str, bool]:
    needed = known.needed(parameters)
    if needed:
        example = ", ".join(f"{one!r}: …" for one in needed)
        return None, f"it needs parameters. To see it: @workflow(…, example={{{example}}})", False
    try:
        graph = known.built(parameters).graph
    except OffloadError as error:
        return None, str(error), True
    except Exception as error:  # A site's own function may raise anything.
        return None, f"its function raises {type(error).__name__}: {as_text(error)}", True
    led = "" if graph else f"it has {LED}, so Celery's canvas leads its runs"
    return graph, led, False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """A workflow with its picture."""

    workflow: Described
    drawing: Drawing | None
    mermaid: str


def pictured(one: Described) -> Pictured:
    """Return a workflow with its picture, where it has a graph."""
    return Pictured(
        workflow=one,
        drawing=drawing(one.graph) if one.graph else None,
        mermaid=mermaid(one.graph) if one.graph else "",
    )
