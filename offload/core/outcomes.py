"""Outcomes of a job's run, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from offload.core.matching.retried_errors import lineage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.attempt_key import AttemptKey
    from offload.core.retries import Cause

#: A class of exceptions; it has a name of its own because a field below is called ``type``.
Kind: TypeAlias = type[BaseException]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorInfo:
    """An exception as text, which outlives the process that raised it."""

    type: str
    message: str
    module: str
    traceback: str
    # The exception's arguments, as far as they are JSON.
    arguments: tuple[object, ...] = ()
    # The names of its class and of those that it inherits from, as far as they are known.
    lineage: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names by which the error may be listed, the nearest class first."""
        own = self.type if self.module in {"", "builtins"} else f"{self.module}.{self.type}"
        return self.lineage or (own,)

    @classmethod
    def of(
        cls,
        kind: Kind,
        message: str,
        *,
        traceback: str = "",
        arguments: tuple[object, ...] = (),
    ) -> ErrorInfo:
        """Return an error of this class with this text."""
        return cls(
            type=kind.__qualname__,
            message=message,
            module=kind.__module__,
            traceback=traceback,
            arguments=arguments,
            lineage=lineage(kind),
        )


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The run ended and returned a value."""

    value: object = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The run ended with an error."""

    cause: Cause
    error: ErrorInfo
    # The error would come again, so never retry.
    final: bool = False
    # Seconds to wait that the error itself asks for.
    delay: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requeued:
    """The run asked to be continued later, by `self.retry` or autoretry."""

    # Delay in seconds.
    delay: float
    # None keeps the current ones.
    args: tuple[object, ...] | None = None
    properties: Mapping[str, object] | None = None
    # Celery's own counter of retries for the continuation.
    retries: int = 0
    error: ErrorInfo | None = None
    # New options of the call.
    options: Mapping[str, object] = field(default_factory=dict)
    # New expiry in seconds; None keeps the current one.
    expires_in: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Denied:
    """The run got none of a resource, so the job waits until there may be some."""

    resource: str
    # Seconds until somebody may ask for it again.
    retry_in: float
    error: ErrorInfo


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """The run rejected the job: it is put back, or else ends as an error."""

    requeue: bool


@dataclass(frozen=True, slots=True)
class Replaced:
    """The run replaced itself by a canvas, whose last job fills this one."""

    signature: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The run ended because somebody asked its job to stop."""

    error: ErrorInfo


@dataclass(frozen=True, slots=True)
class Ignored:
    """The run ended and keeps no result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """The run ended; something outside will end the job by its token."""

    # Seconds that the other side has.
    timeout: float


Outcome: TypeAlias = (
    Succeeded | Failed | Requeued | Denied | Rejected | Replaced | Stopped | Ignored | HandedOver
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedEnd:
    """The success of an attempt as its columns, for whoever writes it together with others."""

    key: AttemptKey
    # The value as JSON; None if the row keeps none.
    result: str | None
    # The columns of Celery's result; None if none is kept.
    stored: Mapping[str, object] | None
