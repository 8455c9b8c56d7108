"""The facts about one job for its page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.progress import Progress
from offload.core.states import QUERY_TYPES, JobState
from offload.models import Kind
from offload.reading import transfers
from offload.reading.jobs import history, logs, steps
from offload.reading.waiting.explain import explain_job
from offload.reading.waiting.where_it_ran import where_it_ran

if TYPE_CHECKING:
    from datetime import datetime

    from offload.models import Delivery, Job, PayloadFile
    from offload.reading.jobs.history import AttemptLine
    from offload.reading.jobs.logs import AttemptLines
    from offload.reading.jobs.steps import Step
    from offload.reading.transfers import TransferLine
    from offload.reading.waiting.explanation import Explanation

#: Empty values, which are not shown.
EMPTY_VALUES: tuple[object, ...] = (None, [], {})
#: Lines of the log of each attempt.
LINES_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadValues:
    """Content that is shown only to users who may see payloads."""

    #: JSON values, or unreadable text.
    args: Any
    properties: Any
    result: Any
    traceback: str

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to see."""
        values = (self.args, self.properties, self.result)
        return not self.traceback and all(one in EMPTY_VALUES for one in values)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """The times at which the job changed its state."""

    submitted: datetime
    due: datetime | None
    bound: datetime | None
    started: datetime | None
    finished: datetime | None
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """The facts on the page of one job."""

    id: str
    topic: str
    task: str
    queue: str
    key: str
    priority: int
    state: JobState
    hold: str
    is_relay: bool
    instance: str
    #: The other cluster that it is bound to, and the one that owns it; empty for the own one.
    peer: str
    home: str
    attempt_count: int
    failures: int
    crashes: int
    refusals: int
    stop_requested: bool
    stop_forced: bool
    is_handed_over: bool
    error_type: str
    error: str
    moments: Moments
    workflow: str
    run_id: str
    parent_id: str
    retry_of: str
    #: The last job that retries it.
    retried_as: str
    progress: Progress | None
    #: Of each attempt that has one; none if the user may not see payloads.
    logs: tuple[AttemptLines, ...]
    attempts: tuple[AttemptLine, ...]
    steps: tuple[Step, ...]
    #: Whether the run has more steps than the page shows.
    has_more_steps: bool
    files: tuple[PayloadFile, ...]
    deliveries: tuple[Delivery, ...]
    #: Its files' ways to and from other clusters.
    transfers: tuple[TransferLine, ...]
    #: None if the job has ended.
    #: Why a job that has failed ran where it did; else empty.
    where_it_ran: str
    explanation: Explanation | None
    #: None if the user may not see payloads.
    payload_values: PayloadValues | None

    @property
    def can_stop(self) -> bool:
        """Tell whether a request to stop would change anything."""
        return not self.state.is_final and not self.stop_requested and not self.is_relay

    @property
    def can_force(self) -> bool:
        """Tell whether there may be a process to kill."""
        runs = self.state is JobState.ACTIVE and not self.is_handed_over
        return runs and not self.stop_forced and not self.is_relay

    @property
    def can_remove(self) -> bool:
        """Tell whether it can be ended before it runs."""
        waits = self.state in QUERY_TYPES["QUEUED"] or self.is_handed_over
        return waits and not self.is_relay

    @property
    def can_retry(self) -> bool:
        """Tell whether it has ended and can be submitted again."""
        return self.state.is_final and not self.is_relay and not self.home

    @property
    def can_deliver(self) -> bool:
        """Tell whether a delivery was tried in vain and given up."""
        return any(one.state == "failed" and one.failures for one in self.deliveries)


def page(job: Job, *, with_payload: bool) -> JobPage:
    """Return the page of a job; `with_payload` shows its properties, files and result."""
    followed = steps.of(job)
    return JobPage(
        id=job.pk,
        topic=job.topic,
        task=job.task,
        queue=job.queue,
        key=job.key,
        priority=job.priority,
        state=job.job_state,
        hold=job.hold,
        is_relay=job.kind == Kind.RELAY,
        instance=job.instance,
        peer=job.peer or "",
        home=job.home or "",
        attempt_count=job.attempts,
        failures=job.failures,
        crashes=job.crashes,
        refusals=job.refusals,
        stop_requested=job.stop_requested,
        stop_forced=job.stop_forced,
        is_handed_over=job.is_handed_over,
        error_type=job.error_type,
        error=job.error,
        moments=_moments(job),
        workflow=job.run.workflow if job.run else "",
        run_id=job.run_id or "",
        parent_id=job.parent_id,
        retry_of=job.retry_of_id or "",
        progress=Progress.read(job.progress),
        logs=logs.of(job.pk, most=LINES_SHOWN) if with_payload else (),
        attempts=history.attempts(job),
        steps=followed.shown,
        has_more_steps=followed.has_more,
        files=history.files(job),
        deliveries=history.deliveries(job),
        transfers=transfers.of_job(job),
        **_why(job),
        payload_values=_payload_values(job) if with_payload else None,
    )


def _why(job: Job) -> dict[str, Any]:
    """Return why a job waits, or why it ran where it failed, and its retry."""
    waits = not job.is_finished and job.kind != Kind.RELAY
    return {
        "retried_as": history.retried_as(job),
        "where_it_ran": where_it_ran(job),
        "explanation": explain_job(job) if waits else None,
    }


def _moments(job: Job) -> Moments:
    return Moments(
        submitted=job.created_at,
        due=job.run_at,
        bound=job.bound_at,
        started=job.started_at,
        finished=job.finished_at,
        expires=job.expires_at,
    )


def _payload_values(job: Job) -> PayloadValues:
    return PayloadValues(
        args=job.args, properties=job.properties, result=job.result, traceback=job.traceback
    )
