"""``workflows``: list the workflows, or show the steps of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.workflows.mermaid import mermaid
from offload.management.arguments import pairs
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.messaging.installation import celery_app
from offload.workflows.catalogue import Described, catalogue, described
from offload.workflows.definitions import definition

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from rich.table import Table
    from rich.text import Text

    from offload.core.workflows.graphs import Graph, StepSpec

HEADERS = ("workflow", "version", "steps", "parameters", "inputs", "problem")
STEP_HEADERS = ("step", "topic", "waits for", "inputs", "outputs", "only", "on error")
FOLD = {"workflow": 12, "parameters": 12, "problem": 20}
STEP_FOLD = {"step": 12, "topic": 12, "waits for": 12, "only": 12}
NONE = "No workflow is defined. Write @workflow('…') in a module workflow.py of an installed app."


def arguments(parser: ArgumentParser) -> None:
    """Take which workflow to show, and how."""
    parser.add_argument("name", nargs="?", metavar="NAME", help="show its steps")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="single",
        help="a parameter; read as JSON if possible, otherwise as text",
    )  # fmt: skip
    parser.add_argument("--mermaid", action="store_true", help="print its graph as Mermaid text")


def run(terminal: Terminal, options: Options) -> None:
    """List the workflows, or show one."""
    celery_app().loader.import_default_modules()
    if options["name"] is None:
        found = catalogue()
        shown = table(HEADERS, map(row, found), fold=FOLD) if found else NONE
        terminal.answer([facts(one) for one in found], shown)
        return
    one = described(definition(options["name"]), pairs.properties(options["single"], None))
    if options["mermaid"] and one.graph and not terminal.as_json:
        terminal.write(mermaid(one.graph))
        return
    terminal.answer({**facts(one), "graph": graph_facts(one.graph)}, *lines(one))


def row(one: Described) -> tuple[object, ...]:
    """Return a workflow as cells of HEADERS."""
    steps = len(one.graph.steps) if one.graph else ""
    return one.name, one.version, steps, one.parameters, ", ".join(one.inputs), one.problem


def facts(one: Described) -> dict[str, object]:
    """Return a workflow as JSON values."""
    return {
        "name": one.name,
        "version": one.version,
        "parameters": one.parameters,
        "inputs": one.inputs,
        "steps": len(one.graph.steps) if one.graph else None,
        "problem": one.problem,
        "unknown_topics": one.unknown_topics,
    }


def graph_facts(graph: Graph | None) -> dict[str, object] | None:
    """Return a graph as JSON values."""
    if graph is None:
        return None
    steps = [
        {
            "name": spec.name,
            "topic": spec.topic,
            "waits_for": graph.needs(spec),
            "inputs": spec.inputs,
            "outputs": spec.outputs,
            "when": str(spec.when) if spec.when else None,
            "for_each": spec.each.place if spec.each else None,
            "on_error": spec.on_error,
            **({"compensate": spec.compensate["topic"]} if spec.compensate else {}),
            **({"wait": spec.wait.facts()} if spec.wait else {}),
        }
        for spec in graph.steps
    ]
    return {"steps": steps, "result": graph.result, "mermaid": mermaid(graph)}


def lines(one: Described) -> Iterator[str | Text | Table]:
    """Yield a workflow for people."""
    yield f"{one.name}({one.parameters}), version {one.version or 'unknown'}"
    if one.inputs:
        yield f"Each run is started with the files {', '.join(one.inputs)}."
    if one.problem:
        yield sanitized(one.problem, "yellow")
    if one.graph is not None:
        graph = one.graph
        rows = [step_row(graph, spec) for spec in graph.steps]
        yield table(STEP_HEADERS, rows, fold=STEP_FOLD)
    if one.unknown_topics:
        unknown = f"No consumer of this code takes {', '.join(one.unknown_topics)}."
        yield sanitized(unknown, "yellow")


def step_row(graph: Graph, spec: StepSpec) -> tuple[object, ...]:
    """Return a step as cells of STEP_HEADERS."""
    only = [f"when {spec.when}"] if spec.when else []
    only += [f"for each of {spec.each.place}"] if spec.each else []
    only += ["a plain Celery task"] if spec.plain else []
    only += [f"waits for {spec.wait}"] if spec.wait else []
    only += [f"undone by {spec.compensate['topic']}"] if spec.compensate else []
    on_error = "" if spec.on_error == "fail" else spec.on_error.replace("_", " ")
    names = (graph.needs(spec), spec.inputs, spec.outputs)
    return spec.name, spec.topic, *map(", ".join, names), ", ".join(only), on_error


WORKFLOWS = Verb(
    name="workflows",
    help="list the workflows, or show the steps of one",
    arguments=arguments,
    run=run,
)
