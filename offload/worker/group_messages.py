"""Messages about groups of runs between a worker's parent process, its children and its agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.outcomes import PreparedEnd

#: The key of a message's facts under which a run finds the claim that was made for it.
GRANT = "offload_grant"


class TaskFacts(NamedTuple):
    """The facts of a task that its claims need; the agent may not have the task itself."""

    name: str
    ignore_result: bool = False
    rerun: bool = True
    rescue: str = ""

    @classmethod
    def of(cls, task: Any) -> TaskFacts:
        """Return those of a task."""
        return cls(task.name, bool(task.ignore_result), bool(task.rerun), task.rescue)


class ClaimRequest(NamedTuple):
    """A delivery whose job the agent is to claim."""

    key: AttemptKey
    task: TaskFacts
    #: Celery's facts of the message.
    request: dict[str, Any]


class GrantedClaim(NamedTuple):
    """A claim that the agent made for a delivery."""

    key: AttemptKey
    #: The incarnation for which it was claimed.
    incarnation: str
    #: The row's columns as the database has them.
    row: Sequence[Any]
    #: The time of the claim, by ``boottime``.
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ToAgent:
    """Requests of the parent process, in the order in which the agent takes them."""

    ends: Sequence[PreparedEnd] = ()
    #: Claims that began nothing, and are to be undone.
    withdrawn: Sequence[AttemptKey] = ()
    asked: Sequence[ClaimRequest] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ToParent:
    """Answers of the agent."""

    granted: Sequence[GrantedClaim] = ()
    #: Deliveries that may not begin, and why.
    refused: Mapping[AttemptKey, str] = field(default_factory=dict)
    #: Ends that are committed, or are stale.
    ended: Sequence[AttemptKey] = ()
    #: Claims that are undone.
    undone: Sequence[AttemptKey] = ()


class WithEnd(NamedTuple):
    """The text of a run's value for Celery, together with the end that the agent is to write."""

    text: str | None
    end: PreparedEnd
