"""The steps of a run: those that are jobs already, and those that wait for others to end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.canvas.freezing.signatures import parts_of
from offload.messaging.names import TOPIC_OPTION

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from datetime import datetime

    from offload.core.states import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: a job, or what becomes one."""

    topic: str
    id: str = ""
    #: None where it has no row yet: it waits for the steps before it.
    state: JobState | None = None
    instance: str = ""
    attempts: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: It is the job the page is about.
    is_this: bool = False


def waiting(
    tails: Iterable[Mapping[str, Any]],
    bodies: Iterable[Mapping[str, Any]],
    known: Collection[str],
) -> tuple[Step, ...]:
    """Return the steps that have no row yet, each once, in the order they follow.

    `tails` hang on jobs that have not ended, `bodies` on joins that have not fired, and
    `known` are the ids that have rows.
    """
    leaves = [leaf for tail in tails for one in _following(tail) for leaf in _leaves(one)]
    leaves += [leaf for body in bodies for leaf in _leaves(body)]
    steps = {step.id or step.topic: step for step in map(_step, leaves)}
    return tuple(step for step in steps.values() if step.id not in known)


def _following(tail: object) -> list[Mapping[str, Any]]:
    hanging = _object(tail)
    # Celery keeps the rest of a chain with its next step last.
    chain = list(reversed(_signatures(hanging.get("chain"))))
    return [*_signatures(hanging.get("link")), *chain, *_signatures(hanging.get("chord"))]


def _signatures(value: object) -> list[Mapping[str, Any]]:
    """Return the signatures that stand somewhere, one or many; what is none is left out."""
    several = value if isinstance(value, list | tuple) else [value]
    return [one for one in several if isinstance(one, Mapping)]


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _leaves(given: object) -> Iterator[Mapping[str, Any]]:
    signature = _object(given)
    parts = parts_of(signature)
    if parts is None and signature.get("task"):
        yield signature
    for part in parts or ():
        for one in _signatures(part):
            yield from _leaves(one)


def _step(signature: Mapping[str, Any]) -> Step:
    options = _object(signature.get("options"))
    topic, id_ = options.get(TOPIC_OPTION) or signature["task"], options.get("task_id") or ""
    return Step(topic=str(topic), id=str(id_))
