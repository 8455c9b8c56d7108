"""Outcomes of a job's run, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.retries import Cause

#: A class of exceptions; under a name of its own, as a field below is called ``type``.
Kind: TypeAlias = type[BaseException]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """An exception as text, which outlives the process that raised it."""

    type: str
    message: str
    module: str
    traceback: str
    # The exception's own, as far as they are JSON.
    arguments: tuple[object, ...] = ()

    @classmethod
    def of(
        cls,
        kind: Kind,
        message: str,
        *,
        traceback: str = "",
        arguments: tuple[object, ...] = (),
    ) -> ErrorInfo:
        """Return an exception of a kind as text."""
        return cls(
            type=kind.__qualname__,
            message=message,
            module=kind.__module__,
            traceback=traceback,
            arguments=arguments,
        )


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The run ended and returned this."""

    value: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The run ended by an error."""

    cause: Cause
    error: ErrorInfo
    # The error would come again: never retry.
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeued:
    """The run asked to be continued later, by `self.retry` or autoretry."""

    # Seconds.
    delay: float
    # None keeps those it has.
    args: tuple[object, ...] | None = None
    properties: Mapping[str, object] | None = None
    # What Celery's own counter says of the continuation.
    retries: int = 0
    error: ErrorInfo | None = None
    # Options of the call that it gave anew.
    options: Mapping[str, object] = field(default_factory=dict)
    # Seconds in which it is to begin; None keeps the time it has.
    expires_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The run would not have the job: put it back, or else it ends as an error."""

    requeue: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """The run put a canvas in its place, whose last job fills this one."""

    signature: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The run saw that somebody asked its job to stop, and ended for that."""

    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class Ignored:
    """The run ended and wants no result kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """The run ended, and something outside ends the job by its token."""

    # Seconds that it has.
    timeout: float


Outcome: TypeAlias = (
    Succeeded | Failed | Requeued | Rejected | Replaced | Stopped | Ignored | HandedOver
)
