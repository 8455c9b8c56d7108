"""What hangs on a job's end: callbacks, the next step of its chain, joins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.core.states import JobState, celery_state
from offload.engine import results

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.models import Job


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A job's end, and what was frozen to follow it."""

    id: str
    #: Celery's: SUCCESS, FAILURE or REVOKED.
    state: str
    #: What it returned, if it is SUCCESS.
    value: Any = None
    #: ``module.Qualname`` of the exception.
    error_type: str = ""
    error: str = ""
    #: ``chain``, ``link``, ``link_error`` as Celery signatures.
    tail: Mapping[str, Any] | None = None
    root_id: str = ""
    run_id: str | None = None
    payload_id: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    #: The row's state, which steps that can no longer run take over.
    job_state: str = ""


def ended(job: Job) -> Ended:
    """Return the end that a final row stands for."""
    state = celery_state(JobState(job.state), attempts=job.attempts)
    return Ended(
        id=job.id,
        state=state,
        value=_value(job) if state == "SUCCESS" else None,
        error_type=job.error_type,
        error=job.error or job.state.lower(),
        tail=job.tail,
        root_id=job.root_id,
        run_id=job.run_id,
        payload_id=job.payload_id,
        options=job.options,
        job_state=job.state,
    )


def _value(job: Job) -> Any:
    return job.result if job.result is not None else results.large_value(job)


def follow(end: Ended) -> None:
    """Store what follows an end; inside the transaction that makes the job final."""
