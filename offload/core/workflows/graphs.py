"""Graphs: a workflow's steps, and what each waits for."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import TopologicalSorter
from hashlib import sha256
from json import dumps
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.core.matching.call_placement import OPTION, CallPlacement
from offload.core.workflows import conditions, waits
from offload.core.workflows.conditions import Condition, MediaType, StepResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from offload.core.workflows.waits import Wait

#: A step's name, or a list of trees: whose results a step takes, in that shape.
Tree: TypeAlias = "str | list[Any] | None"


class OnError(enum.StrEnum):
    """The meaning of a step's failure for its run."""

    # The steps that wait for it do not run, and the run fails; the others go on.
    FAIL = "fail"
    # The steps that wait for it run, with None for its result.
    GO_ON = "go_on"
    # As FAIL; once every step has ended, what was done is undone.
    COMPENSATE = "compensate"


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """A step of a definition."""

    name: str
    topic: str
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    when: Condition | None = None
    #: The list with an element for each of its jobs; None for a step of one job.
    each: StepResult | None = None
    on_error: OnError = OnError.FAIL
    #: The steps whose results are its first argument.
    takes: Tree = None
    #: The steps before it in the canvas.
    after: tuple[str, ...] = ()
    #: The call, as Celery wrote it.
    signature: Mapping[str, Any] = field(default_factory=dict)
    #: The end of a step that has no job; None for one that has.
    wait: Wait | None = None
    #: Whether it is a plain Celery task, which Celery runs wherever a worker takes it.
    plain: bool = False
    #: The ``topic`` and the ``signature`` of the call that undoes it; empty for none.
    compensate: Mapping[str, Any] = field(default_factory=dict)

    @property
    def placement(self) -> CallPlacement:
        """Return the requirements and preferences of its call."""
        return CallPlacement.read((self.signature.get("options") or {}).get(OPTION))

    @property
    def undo_name(self) -> str:
        """Return the name of its compensation."""
        return f"undo {self.name}"

    @property
    def asks_files(self) -> bool:
        """Return whether it depends on the run's files whether it begins."""
        return isinstance(self.when, MediaType)

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        # Left out where a step has none, so that versions of other workflows stay.
        rare: dict[str, Any] = {"wait": self.wait.facts()} if self.wait else {}
        rare |= {"compensate": dict(self.compensate)} if self.compensate else {}
        rare |= {"plain": True} if self.plain else {}
        return {
            "name": self.name, "topic": self.topic, "inputs": [*self.inputs],
            "outputs": [*self.outputs], "when": self.when and self.when.facts(),
            "each": self.each and self.each.facts(), "on_error": self.on_error.value,
            "takes": self.takes, "after": [*self.after], "signature": self.signature, **rare,
        }  # fmt: skip

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> StepSpec:
        """Return the step of JSON values."""
        each = conditions.read(facts["each"])
        return cls(
            name=facts["name"],
            topic=facts["topic"],
            inputs=tuple(facts["inputs"]),
            outputs=tuple(facts["outputs"]),
            when=conditions.read(facts["when"]),
            each=each if isinstance(each, StepResult) else None,
            on_error=OnError(facts["on_error"]),
            takes=facts["takes"],
            after=tuple(facts["after"]),
            signature=facts["signature"],
            wait=waits.read(facts.get("wait")),
            compensate=facts.get("compensate") or {},
            plain=bool(facts.get("plain")),
        )


@dataclass(frozen=True, kw_only=True)
class Graph:
    """The steps of a workflow, in the order in which they are written."""

    steps: tuple[StepSpec, ...]
    #: The names of the files that a run is started with, as far as they are declared.
    inputs: tuple[str, ...] = ()
    #: The steps whose results are the run's own.
    result: Tree = None

    @cached_property
    def by_name(self) -> Mapping[str, StepSpec]:
        """Return the steps by name."""
        return {one.name: one for one in self.steps}

    @cached_property
    def makers(self) -> Mapping[str, str]:
        """Return the step that makes each output."""
        return {output: one.name for one in self.steps for output in one.outputs}

    @cached_property
    def undos(self) -> Mapping[str, StepSpec]:
        """Return the compensations by name; each takes the result of the step that it undoes."""
        return {
            one.undo_name: StepSpec(
                name=one.undo_name,
                topic=one.compensate["topic"],
                takes=one.name,
                signature=one.compensate["signature"],
            )
            for one in self.steps
            if one.compensate
        }

    def spec(self, name: str) -> StepSpec:
        """Return a step, or a compensation, by its name."""
        return self.by_name.get(name) or self.undos[name]

    def needs(self, spec: StepSpec) -> tuple[str, ...]:
        """Return the steps that a step waits for: by the canvas, for a file, or for a result."""
        made = [self.makers[one] for one in spec.inputs if one in self.makers]
        if isinstance(spec.when, MediaType) and spec.when.of in self.makers:
            made.append(self.makers[spec.when.of])
        asked = [one.step for one in (spec.when, spec.each) if isinstance(one, StepResult)]
        return tuple(dict.fromkeys([*spec.after, *made, *asked]))

    @cached_property
    def version(self) -> str:
        """Return a digest of the steps, which changes with them."""
        text = dumps([one.facts() for one in self.steps], sort_keys=True, default=str)
        return sha256(text.encode()).hexdigest()[:12]

    def facts(self) -> dict[str, Any]:
        """Return it as JSON values."""
        steps = [one.facts() for one in self.steps]
        return {"steps": steps, "inputs": [*self.inputs], "result": self.result}

    @classmethod
    def read(cls, facts: Mapping[str, Any]) -> Graph:
        """Return the graph of JSON values."""
        steps = tuple(map(StepSpec.read, facts["steps"]))
        return cls(steps=steps, inputs=tuple(facts["inputs"]), result=facts["result"])


def leaves(tree: Tree) -> list[str]:
    """Return the names in a tree."""
    if isinstance(tree, str):
        return [tree]
    return [leaf for one in tree or () for leaf in leaves(one)]


def in_order(graph: Graph) -> list[StepSpec]:
    """Return the steps so that each stands after those that it waits for."""
    order = TopologicalSorter({one.name: graph.needs(one) for one in graph.steps})
    return [graph.by_name[name] for name in order.static_order()]


def levels(graph: Graph) -> dict[str, int]:
    """Return how many steps are before each, in the longest row of them; without a circle."""
    found: dict[str, int] = {}
    left = [one.name for one in graph.steps]
    while left:
        ready = [one for one in left if _known(graph, one) <= found.keys()]
        if not ready:
            break
        for name in ready:
            found[name] = 1 + max((found[one] for one in _known(graph, name)), default=-1)
        left = [one for one in left if one not in found]
    return found


def _known(graph: Graph, name: str) -> set[str]:
    return set(graph.needs(graph.by_name[name])) & graph.by_name.keys()


def circle(graph: Graph) -> tuple[str, ...]:
    """Return the steps of a circle, each waiting for the next; () if there is none."""
    stuck = graph.by_name.keys() - levels(graph).keys()
    path: list[str] = []
    name = next((one.name for one in graph.steps if one.name in stuck), "")
    while name and name not in path:
        path.append(name)
        name = _first(one for one in graph.needs(graph.by_name[name]) if one in stuck)
    return tuple(path[path.index(name) :]) if name else ()


def _first(names: Iterable[str]) -> str:
    return next(iter(names), "")
