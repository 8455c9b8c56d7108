"""The job that runs in this context, as consumers see it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from kombu.utils.json import dumps

from offload.core.exceptions import JobStopped, MissingFile, NoCurrentJob
from offload.core.progress import Progress
from offload.core.states import JobState
from offload.core.validation.options import check_delay
from offload.files import outputs
from offload.jobs import async_completion
from offload.models import Job, PayloadFile
from offload.tracking import fencing, runs
from offload.tracking.changes import stale

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.attempt_key import AttemptKey
    from offload.core.validation.options import Seconds
    from offload.files.payloads import Source
    from offload.tracking.claiming import Claimed


@dataclass(frozen=True, slots=True)
class Inputs:
    """The files that came with a job, by name."""

    payload_id: str | None

    def __getitem__(self, name: str) -> PayloadFile:
        """Return a file; raise MissingFile where there is none of that name."""
        found = {file.name: file for file in self}
        if name not in found:
            raise MissingFile(name=name, known=tuple(sorted(found)))
        return found[name]

    def __iter__(self) -> Iterator[PayloadFile]:
        """Iterate over the files."""
        files = PayloadFile.objects.inputs().filter(payload=self.payload_id)
        return iter(files.select_related("payload"))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(list(self))


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files a job makes; others see them once its finish is in."""

    key: AttemptKey
    payload_id: str | None

    def add(self, name: str, source: Source, *, media_type: str | None = None) -> PayloadFile:
        """Store a file under this name: from a path, bytes or an open file.

        Raise InvalidName, MissingFile, UnreadableFile or FileNotStored; StaleAttempt where this
        attempt was overtaken.
        """
        return outputs.add(self.key, name, source, media_type=media_type)


@dataclass(slots=True)
class Wish:
    """Requests of a run, carried out once its function has returned."""

    #: Seconds for which the job is handed over.
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentJob:
    """A running attempt: what it is given, and what it may say."""

    id: str
    topic: str
    epoch: int
    #: Counted from 1.
    attempt: int
    #: What every write of this attempt must match.
    attempt_key: AttemptKey
    instance: str
    claimed: Claimed
    _wish: Wish = field(default_factory=Wish)
    #: The number that ``fence`` returns, once it was asked for.
    _taken: list[int] = field(default_factory=list, repr=False, compare=False)

    @property
    def inputs(self) -> Inputs:
        """Return the files that came with the job."""
        return Inputs(self.claimed.payload_id)

    @property
    def outputs(self) -> Outputs:
        """Return where the job's own files go."""
        return Outputs(self.attempt_key, self.claimed.payload_id)

    @property
    def siblings(self) -> list[PayloadFile]:
        """Return the files that finished jobs of the same run have made."""
        made = PayloadFile.objects.outputs().filter(payload=self.claimed.payload_id)
        return list(made.exclude(job=self.id).select_related("payload", "job").order_by("name"))

    @property
    def is_stopping(self) -> bool:
        """Return whether somebody asked this job to stop; ``check_stop()`` also ends its run."""
        return Job.objects.filter(pk=self.id, epoch=self.epoch, stop_requested=True).exists()

    def check_stop(self) -> None:
        """Raise JobStopped where somebody asked this job to stop: then it ends as STOPPED.

        Each call asks the database. Raise StaleAttempt where this attempt was overtaken.
        """
        mine = Job.objects.filter(pk=self.id, epoch=self.epoch, state=JobState.ACTIVE)
        asked = mine.values_list("stop_requested", flat=True).first()
        if asked is None:
            self._stale()
        if asked:
            raise JobStopped(job_id=self.id)

    @property
    def fence(self) -> int:
        """Return a number that is higher than that of any earlier attempt of the job's queue.

        For what is outside the database: it remembers the highest it was shown, and refuses a
        lower one. The number is taken when it is first asked for, and kept for the attempt. Raise
        StaleAttempt where this attempt was overtaken, RuntimeError inside a transaction.
        """
        if not self._taken:
            number = fencing.take(self.attempt_key, self.claimed.queue)
            self._taken.append(self._stale() if number is None else number)
        return self._taken[0]

    def progress(self, current: float, total: float | None = None, message: str = "") -> None:
        """Say how far the job is.

        What is no finite number counts as not known. Raise StaleAttempt where this attempt was
        overtaken.
        """
        self._write("progress", dumps(Progress.said(current, total, message).as_dict()))

    def hand_over(self, timeout: Seconds = 3600.0) -> str:
        """Return the token by which something outside ends this job, within so many seconds.

        ``timeout`` may be a timedelta. The job leaves its worker once its function has returned,
        whatever that returns; one that raises has failed, and its token is worth nothing. Raise
        InvalidDelay for a time that is none.
        """
        self._wish.timeout = check_delay(timeout, name="timeout")
        return async_completion.token_of(self.attempt_key)

    @property
    def handed_over_for(self) -> float | None:
        """Return for how many seconds this run hands its job over, or None where it does not."""
        return self._wish.timeout

    def _write(self, column: str, value: object) -> None:
        if not runs.write(self.attempt_key, column, value):
            self._stale()

    def _stale(self) -> NoReturn:
        raise stale(self.attempt_key)


_current: ContextVar[CurrentJob | None] = ContextVar("offload_current_job", default=None)


def current_job() -> CurrentJob:
    """Return the job that runs here; raise NoCurrentJob outside of one."""
    job = _current.get()
    if job is None:
        raise NoCurrentJob
    return job


def handed_over_for() -> float | None:
    """Return for how many seconds the job that runs here is handed over, if it is."""
    job = _current.get()
    return job.handed_over_for if job else None


@contextmanager
def running(job: CurrentJob) -> Iterator[CurrentJob]:
    """Make a job the current one for a block."""
    token = _current.set(job)
    try:
        yield job
    finally:
        _current.reset(token)
