"""A graph as Mermaid text, which GitHub and many editors draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.workflows.graphs import Graph, StepSpec

#: Characters with a meaning of their own, and how Mermaid wants them.
ESCAPES = str.maketrans({'"': "#quot;", "#": "#35;", "<": "#lt;", ">": "#gt;", "\n": " "})


def mermaid(graph: Graph) -> str:
    """Return the graph as Mermaid's flowchart: files as arrows' texts, conditions in the boxes."""
    return "\n".join(["flowchart LR", *(f"    {line}" for line in _lines(graph))])


def _lines(graph: Graph) -> Iterator[str]:
    keys = {one.name: f"s{number}" for number, one in enumerate(graph.steps)}
    for spec in graph.steps:
        yield f'{keys[spec.name]}["{_text(spec)}"]'
    for spec in graph.steps:
        for need in graph.needs(spec):
            if need in keys:
                yield f"{keys[need]} -->{_files(graph, need, spec)} {keys[spec.name]}"


def _text(spec: StepSpec) -> str:
    lines = [spec.name if spec.topic in spec.name else f"{spec.name}: {spec.topic}"]
    lines += ["a plain Celery task"] if spec.plain else []
    lines += [f"waits for {spec.wait}"] if spec.wait else []
    lines += [f"when {spec.when}"] if spec.when else []
    lines += [f"for each of {spec.each.place}"] if spec.each else []
    lines += [f"undone by {spec.compensate['topic']}"] if spec.compensate else []
    return "<br>".join(line.translate(ESCAPES) for line in lines)


def _files(graph: Graph, maker: str, spec: StepSpec) -> str:
    names = files_between(graph, maker, spec)
    return f'|"{", ".join(names).translate(ESCAPES)}"|' if names else ""


def files_between(graph: Graph, maker: str, spec: StepSpec) -> list[str]:
    """Return the files that one step makes for another."""
    return [one for one in spec.inputs if graph.makers.get(one) == maker]
