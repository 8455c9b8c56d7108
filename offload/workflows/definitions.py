"""Definitions of workflows, by name."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from celery.canvas import Signature
from django.utils.module_loading import autodiscover_modules

from offload.canvas.freezing.signatures import as_dicts
from offload.core import lazy
from offload.core.exceptions import ConfigurationError, UnfitParameters, UnknownWorkflow
from offload.core.texts import place_of
from offload.core.topics import validate_topic
from offload.core.validation.filenames import check_file_name
from offload.core.validation.parameters import Parameters
from offload.core.workflows import parameter_fit
from offload.core.workflows.graph_problems import problems
from offload.core.workflows.placements import Placement, check_placement

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from offload.core.workflows.graphs import Graph

    Build = TypeVar("Build", bound=Callable[..., Signature[Any]])

#: Why a canvas that Celery leads has no placement.
NEEDS_GRAPH = (
    "needs steps that a graph can lead: it has tasks of Celery's own such as map or chunks, or "
    "options for several steps"
)
#: Modules of installed apps in which definitions are looked for.
WORKFLOW_MODULES = ("workflow", "workflows")


class Built(NamedTuple):
    """The canvas that a definition makes of its parameters."""

    canvas: Signature[Any]
    #: The same as plain dicts.
    written: dict[str, Any]
    #: None if Celery's canvas leads the run.
    graph: Graph | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A workflow's name, and the function that makes the canvas of each run."""

    name: str
    build: Callable[..., Signature[Any]]
    #: The names of the files that each run is started with; none if it may be any.
    inputs: tuple[str, ...] = ()
    #: As its author writes it; "" for a digest of its steps.
    version: str = ""
    #: Parameters with which it is checked and drawn, beside the function's own defaults.
    example: Mapping[str, Any] = field(default_factory=dict)
    #: How the instances of its steps are chosen, unless ``start`` says otherwise.
    placement: Placement = Placement.ANY
    #: Seconds for which steps are kept near; None for the setting.
    near_seconds: float | None = None

    def canvas(self, **parameters: Any) -> Signature[Any]:
        """Return the canvas of a new run with these ``parameters``.

        Raise UnfitParameters, or ConfigurationError if the function returns no canvas.
        """
        problem = parameter_fit.problem(self.build, parameters)
        if problem:
            raise UnfitParameters(workflow=self.name, problem=problem)
        made: Any = self.build(**parameters)
        if not isinstance(made, Signature):
            raise _wrong(
                self.name,
                f"its function returned a value of type {type(made).__name__}, which is no "
                "canvas. Return a step, or a chain, group or chord of steps",
            )
        return made

    def built(self, parameters: Mapping[str, Any]) -> Built:
        """Return the canvas and the graph of a new run with these ``parameters``.

        Raise what ``canvas`` raises, and ConfigurationError for a graph that cannot run.
        """
        canvas = self.canvas(**parameters)
        written = as_dicts(canvas)
        # Definitions are made before models are ready.
        compiled = lazy.load("offload.workflows.compiling:compiled")
        graph = compiled(written, self.inputs)
        found = problems(graph) if graph else ()
        if graph is None and self.placement:
            found = (f"placement={self.placement.value!r} {NEEDS_GRAPH}",)
        if found:
            raise _wrong(self.name, "; ".join(found))
        return Built(canvas, written, graph)

    def graph(self) -> Graph | None:
        """Return the graph of its example; None if Celery's canvas leads its runs.

        Raise what ``built`` raises.
        """
        return self.built(dict(self.example)).graph

    def version_of(self, graph: Graph | None, parameters: Mapping[str, Any]) -> str:
        """Return the version, by default a digest of the example's steps.

        It does not change with the ``parameters`` of a run. ``graph`` is the run's, whose steps
        count where the example has none.
        """
        if self.version:
            return self.version
        if graph is not None and parameters != self.example:
            with suppress(Exception):  # A site's own function may raise anything.
                graph = self.graph() or graph
        return graph.version if graph else ""

    def needed(self, given: Mapping[str, Any]) -> list[str]:
        """Return the parameters without a default that are not among those ``given``."""
        found = Parameters.of(self.build)
        return sorted(found.needed.difference(given)) if found else []

    @property
    def parameters(self) -> str:
        """Return the function's parameters as they are written."""
        return parameter_fit.described(self.build)


def _wrong(name: str, problem: str) -> ConfigurationError:
    return ConfigurationError(setting=f"workflow {name!r}", problem=problem)


#: Definitions that modules made when they were imported, as with Celery's tasks.
defined: dict[str, Definition] = {}


def workflow(
    name: str,
    *,
    inputs: Sequence[str] = (),
    version: str = "",
    example: Mapping[str, Any] | None = None,
    placement: str = "",
    near_seconds: float | None = None,
) -> Callable[[Build], Build]:
    """Make a function that returns a canvas the definition of a workflow.

    ``name`` is written like a topic, such as ``"report/whole"``. ``inputs`` are the names of files
    that every run is started with. ``version`` is kept with each run, by default a digest of the
    steps. ``example`` has parameters with which the definition is checked and drawn, where the
    function has no defaults for them. ``placement`` says how the steps' instances are chosen:
    ``"together"``, one does all; ``"near"``, each where those before it ran, if that has room
    within ``near_seconds``, by default those of the setting ``NEAR``; ``"spread"``, they take
    turns, each waiting for its own as long; ``"peer"``, another cluster does all. Return the
    decorator; it returns the function.

    Raise InvalidTopic for an invalid name, InvalidName for that of a file, and ConfigurationError
    if the name is left out, if another function has it, if the decorated object is no function, or
    for an unknown placement.
    """
    _check_name(name)
    files = tuple(check_file_name(one) for one in inputs)
    placed = check_placement(placement, near_seconds)

    def define(build: Build) -> Build:
        if not _is_function(build):
            raise _wrong(name, "it is no function. Write def whole(): return chain(…) below it")
        known = defined.get(name)
        if known is not None and place_of(known.build) != place_of(build):
            both = f"{place_of(known.build)} and by {place_of(build)}"
            raise _wrong(name, f"defined by {both}; rename one")
        defined[name] = Definition(
            name=name, build=build, inputs=files, version=version, example=example or {},
            placement=placed, near_seconds=near_seconds,
        )  # fmt: skip
        return build

    return define


def _check_name(name: object) -> None:
    if callable(name):
        problem = "it was given no name, but the function. Write @workflow('report/whole')"
        raise ConfigurationError(setting="@workflow", problem=problem)
    validate_topic(name)


def _is_function(build: object) -> bool:
    """Return whether it can make a canvas; a canvas itself can be called, too."""
    return callable(build) and not isinstance(build, Signature)


def definition(name: str) -> Definition:
    """Return the definition of a workflow.

    ``name`` is its name. Definitions are found in the modules ``workflow`` and ``workflows`` of all
    installed apps. Raise UnknownWorkflow if there is none of that name.
    """
    if name not in defined:
        autodiscover_modules(*WORKFLOW_MODULES)
    if name not in defined:
        raise UnknownWorkflow(name=name, known=tuple(sorted(defined)))
    return defined[name]


def all_definitions() -> tuple[Definition, ...]:
    """Return the definitions of all installed apps, by name."""
    autodiscover_modules(*WORKFLOW_MODULES)
    return tuple(defined[name] for name in sorted(defined))
