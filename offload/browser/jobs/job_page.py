"""The page of one job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.states import QUERY_TYPES, JobState

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.progress import Progress
    from offload.models import PayloadFile
    from offload.reading.explain import Explanation
    from offload.reading.history import AttemptLine
    from offload.reading.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """Content that only users who may see payloads are shown."""

    args: str
    properties: str
    result: str
    traceback: str

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to see."""
        return not (self.args or self.properties or self.result or self.traceback)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """When the job came from one state to the next."""

    submitted: datetime
    due: datetime | None
    bound: datetime | None
    started: datetime | None
    finished: datetime | None
    expires: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """Everything about one job that its page shows."""

    id: str
    topic: str
    task: str
    queue: str
    priority: int
    state: JobState
    hold: str
    is_relay: bool
    instance: str
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
    #: The last of the jobs that run it once more.
    retried_as: str
    progress: Progress | None
    attempts: tuple[AttemptLine, ...]
    steps: tuple[Step, ...]
    #: Whether the run has more steps than are shown.
    has_more_steps: bool
    files: tuple[PayloadFile, ...]
    #: None for a job that has ended.
    explanation: Explanation | None
    #: None for whoever may not see payloads.
    sealed: Sealed | None

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
        """Tell whether it can end before it runs."""
        waits = self.state in QUERY_TYPES["QUEUED"] or self.is_handed_over
        return waits and not self.is_relay

    @property
    def can_retry(self) -> bool:
        """Tell whether it has ended and can be submitted once more."""
        return self.state.is_final and not self.is_relay
