"""Problems of graphs, as sentences with the next step."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from offload.core.nearness import did_you_mean
from offload.core.workflows.conditions import MediaType, StepResult
from offload.core.workflows.graphs import OnError, circle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.workflows.graphs import Graph, StepSpec

#: Characters of a step's name, as a column holds them, with room for the number of a job.
NAME_MAX = 240


def problems(graph: Graph) -> tuple[str, ...]:
    """Return every problem of a graph; none for one that can run."""
    return (*_long(graph), *_undos(graph), *_doubles(graph), *_missing(graph), *_circles(graph))


def _undos(graph: Graph) -> Iterator[str]:
    asking = [one.name for one in graph.steps if one.on_error is OnError.COMPENSATE]
    if asking and not graph.undos:
        yield (
            f"{asking[0]} has on_error='compensate', and no step says what undoes it. "
            "Write step('…', compensate='…') where something can be undone"
        )
    if graph.undos and not asking:
        name = next(one.name for one in graph.steps if one.compensate)
        yield (
            f"{name} has compensate=, and nothing ever asks for it. "
            "Write on_error='compensate' at the steps whose failure undoes it"
        )
    for name in graph.by_name.keys() & graph.undos.keys():
        yield f"the step {name!r} is called as what undoes another. Call it otherwise: called='…'"


def _long(graph: Graph) -> Iterator[str]:
    for name in (one.name for one in graph.steps if len(one.name) > NAME_MAX):
        yield f"the step {name[:40]!r}… has {len(name)} letters; {NAME_MAX} are allowed"


def _doubles(graph: Graph) -> Iterator[str]:
    names = Counter(one.name for one in graph.steps)
    for name in (one for one, count in names.items() if count > 1):
        yield f"two steps are called {name!r}. Call one of them otherwise: called='…'"
    makers = Counter(output for one in graph.steps for output in one.outputs)
    for output in (one for one, count in makers.items() if count > 1):
        by = " and ".join(one.name for one in graph.steps if output in one.outputs)
        yield f"{output!r} is made twice, by {by}. Rename one of them"
    for output in graph.makers.keys() & set(graph.inputs):
        yield f"{output!r} is an input of the run, and {graph.makers[output]} makes it. Rename one"


def _missing(graph: Graph) -> Iterator[str]:
    for spec in graph.steps:
        yield from _missing_files(graph, spec)
        yield from _missing_steps(graph, spec)


def _missing_files(graph: Graph, spec: StepSpec) -> Iterator[str]:
    asked = [spec.when.of] if isinstance(spec.when, MediaType) else []
    known = {*graph.inputs, *graph.makers}
    for name in dict.fromkeys([*spec.inputs, *asked]):
        if not name:
            yield f"{spec.name} asks for a media type of no file. Write media_type('…', of='…')"
        elif name not in known:
            yield (
                f"{spec.name} needs {name!r}, which nobody makes.{did_you_mean(name, known)} "
                "Name it among a step's outputs=, or as the run's own: "
                f"@workflow('…', inputs=[{name!r}])"
            )


def _missing_steps(graph: Graph, spec: StepSpec) -> Iterator[str]:
    for one in (spec.when, spec.each):
        if isinstance(one, StepResult) and one.step not in graph.by_name:
            near = did_you_mean(one.step, graph.by_name)
            yield f"{spec.name} asks for the result of {one.step!r}, which is no step.{near}"


def _circles(graph: Graph) -> Iterator[str]:
    found = circle(graph)
    if found:
        ring = " waits for ".join([*found, found[0]])
        yield f"its steps wait for each other: {ring}. Take one of these inputs away"
