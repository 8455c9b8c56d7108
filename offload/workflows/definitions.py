"""Definitions of workflows, by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from celery.canvas import Signature
from django.utils.module_loading import autodiscover_modules

from offload.conf import settings
from offload.core.exceptions import ConfigurationError, UnknownWorkflow
from offload.core.texts import place_of
from offload.core.topics import validate_topic
from offload.core.validation.job_properties import check_properties
from offload.messaging.installation import installed
from offload.messaging.names import STEP_TASK, TOPIC_OPTION

if TYPE_CHECKING:
    from collections.abc import Callable

    Build = TypeVar("Build", bound=Callable[[], Signature[Any]])

#: Modules of installed apps in which definitions are looked for.
WORKFLOW_MODULES = ("workflow", "workflows")


@dataclass(frozen=True, slots=True, kw_only=True)
class Definition:
    """A workflow's name, and the function that makes the canvas of each run."""

    name: str
    build: Callable[[], Signature[Any]]

    def canvas(self) -> Signature[Any]:
        """Return the canvas of a new run; raise ConfigurationError if the function returns none."""
        made: Any = self.build()
        if not isinstance(made, Signature):
            raise _wrong(
                self.name,
                f"its function returned a value of type {type(made).__name__}, which is no "
                "canvas. Return a step, or a chain, group or chord of steps",
            )
        return made


def _wrong(name: str, problem: str) -> ConfigurationError:
    return ConfigurationError(setting=f"workflow {name!r}", problem=problem)


#: Definitions that modules made when they were imported, as with Celery's tasks.
defined: dict[str, Definition] = {}


def workflow(name: str) -> Callable[[Build], Build]:
    """Make a function that returns a canvas the definition of a workflow.

    ``name`` is written like a topic, such as ``"report/whole"``. Return the decorator; it returns
    the function. Raise InvalidTopic for an invalid name, and ConfigurationError if the name is left
    out, if another function has it, or if the decorated object is no function.
    """
    _check_name(name)

    def define(build: Build) -> Build:
        if not _is_function(build):
            raise _wrong(name, "it is no function. Write def whole(): return chain(…) below it")
        known = defined.get(name)
        if known is not None and place_of(known.build) != place_of(build):
            both = f"{place_of(known.build)} and by {place_of(build)}"
            raise _wrong(name, f"defined by {both}; rename one")
        defined[name] = Definition(name=name, build=build)
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


def step(topic: str, /, **properties: Any) -> Signature[Any]:
    """Return a step of a workflow, or of any canvas: the signature of a job of this topic.

    ``topic`` is the job's topic, and ``properties`` are its keyword arguments, as JSON values.
    Values that the canvas passes on, such as the results that a step waits for, come as positional
    arguments. Raise InvalidTopic or InvalidProperties.
    """
    return Signature(
        STEP_TASK,
        kwargs=check_properties(properties, settings().max_properties),
        options={TOPIC_OPTION: validate_topic(topic)},
        app=installed(),
    )
