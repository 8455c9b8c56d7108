"""Recognition: which calls are jobs, and of which topic."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from offload.core.envelopes import MAP_TASK
from offload.core.exceptions import ConfigurationError, InvalidTopic
from offload.core.topics import TOPIC_MAX, validate_topic
from offload.fleet.snapshots import snapshot
from offload.messaging.names import STEP_TASK, TOPIC_OPTION, WAIT_TASK

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery

    from offload.core.placement.topology import Topology

WAITS = (
    "a step of it waits for a person, a token, an event or a time, which only a run of a workflow "
    "can do. Return the canvas from a function with @workflow('…'), and start that"
)
STARMAP_TASK = "celery.starmap"
MAP_TASKS = ("celery.map", STARMAP_TASK)
CELERY_PREFIX = "celery."
TOPIC_UNSAFE_CHARACTERS = re.compile(r"[^A-Za-z0-9_-]+")


class Recognised(NamedTuple):
    """A call that is a job."""

    topic: str
    #: The task's name; empty if only the topic is known.
    task: str


def recognise(
    app: Celery,
    name: str,
    *,
    kwargs: Mapping[str, Any] | None = None,
    options: Mapping[str, Any] | None = None,
    task: Any = None,
) -> Recognised | None:
    """Return the topic and task of a call that is a job, None for a plain Celery task.

    By the signature's own option, by the registered task, by what instances announced. Raise
    InvalidTopic for a consumer of many topics that is called by its name alone, and
    ConfigurationError for a step that waits, outside a workflow.
    """
    if name == WAIT_TASK:
        raise ConfigurationError(setting="a canvas", problem=WAITS)
    topic = (options or {}).get(TOPIC_OPTION)
    if topic:
        return Recognised(validate_topic(topic), "" if name == STEP_TASK else name)
    if name in MAP_TASKS:  # K2d
        return _mapped(app, (kwargs or {}).get("task"))
    task = task or registered(app, name)
    if task is not None:
        return _by_patterns(name, [task.pattern] if hasattr(task, "run_job") else [])
    return None if name.startswith(CELERY_PREFIX) else _by_patterns(name, _announced(name))


def is_job(app: Celery, signature: Mapping[str, Any]) -> bool:
    """Return whether a signature of one task is a job."""
    return of_signature(app, signature) is not None


def of_signature(app: Celery, signature: Mapping[str, Any]) -> Recognised | None:
    """Recognise a signature of one task."""
    return recognise(
        app, signature["task"], kwargs=signature.get("kwargs"), options=signature.get("options")
    )


def registered(app: Celery, name: str) -> Any:
    """Return the task of that name, or None; do not finalize an app that must not be."""
    tasks = app.tasks if app.finalized or app.autofinalize else app._tasks  # type: ignore[attr-defined]
    return tasks.get(name)


def _mapped(app: Celery, inner: Any) -> Recognised | None:
    found = of_signature(app, inner) if isinstance(inner, dict) else None
    return Recognised(found.topic, MAP_TASK) if found else None


def _by_patterns(name: str, patterns: Sequence[str]) -> Recognised | None:
    known = [pattern for pattern in patterns if pattern]
    if not known:
        return None
    topic = next((pattern for pattern in known if "*" not in pattern), None)
    if topic is None:
        problem = f"task {name!r} consumes it as a pattern, so a call must name the topic"
        raise InvalidTopic(topic=known[0], problem=problem)
    return Recognised(topic, name)


def _announced(name: str) -> Sequence[str]:
    """Return the patterns under which any instance ever announced the task."""
    return _by_name(snapshot().topology).get(name, ())


# Few topologies are in use at once: the present one and its forerunners.
@lru_cache(maxsize=4)
def _by_name(topology: Topology) -> Mapping[str, Sequence[str]]:
    found: dict[str, set[str]] = {}
    for instance in topology.everyone:
        for consumer in instance.consumers:
            found.setdefault(consumer.task, set()).add(consumer.pattern.text)
    return {task: sorted(patterns) for task, patterns in found.items()}


def plain_topic(name: str) -> str:
    """Return the topic under which a plain Celery task is shown."""
    return f"celery/{TOPIC_UNSAFE_CHARACTERS.sub('-', name.removeprefix(CELERY_PREFIX))}"[
        :TOPIC_MAX
    ]
