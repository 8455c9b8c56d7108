"""The job that runs in this context, as consumers see it."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from offload.core.exceptions import JobStopped, NoCurrentJob
from offload.core.progress import Progress
from offload.core.states import JobState
from offload.core.validation.options import check_delay
from offload.files.given_files import names_made
from offload.files.scratch import Scratch
from offload.jobs import async_completion
from offload.models import Job, PayloadFile
from offload.tracking import fencing, finishing
from offload.tracking.state_changes import stale_attempt
from offload.worker.programs.running import ProgramRun, run_program
from offload.worker.tasks.run_files import FilesRead, Inputs, Outputs
from offload.worker.tasks.run_log import RunLog

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.validation.options import Seconds
    from offload.tracking.claiming import Claimed
    from offload.worker.programs.command import Part
    from offload.worker.programs.running import ProgramResult, Reader


@dataclass(slots=True)
class Handover:
    """Requests of a run, carried out once its function has returned."""

    #: Seconds for which the job is handed over.
    timeout: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CurrentJob:
    """The running attempt of a job, as its consumer sees it."""

    id: str
    topic: str
    epoch: int
    #: Counted from 1.
    attempt: int
    #: The key that every write of this attempt must match.
    attempt_key: AttemptKey
    instance: str
    claimed: Claimed
    _handover: Handover = field(default_factory=Handover)
    #: The log, once there is one.
    _log: list[RunLog] = field(default_factory=list, repr=False, compare=False)
    #: The number of ``fence``, once it was taken.
    _taken: list[int] = field(default_factory=list, repr=False, compare=False)
    _read: FilesRead = field(default_factory=FilesRead, repr=False, compare=False)
    #: The run's own folder on this host.
    scratch: Scratch = field(default_factory=Scratch, repr=False, compare=False)

    @property
    def inputs(self) -> Inputs:
        """Return the files that came with the job; a step's named inputs are among them."""
        made = names_made(self.claimed.options)
        return Inputs(self.claimed.payload_id, self.scratch, made, self._read)

    @property
    def outputs(self) -> Outputs:
        """Return the collection of the job's own files, to add to."""
        return Outputs(self.attempt_key, self.claimed.payload_id, self._read)

    @property
    def siblings(self) -> list[PayloadFile]:
        """Return the files that other, finished jobs of the same run have made, by name."""
        made = PayloadFile.objects.outputs().filter(payload=self.claimed.payload_id)
        found = made.exclude(job=self.id).select_related("payload", "job").order_by("name")
        return self._read.note(list(found))

    @property
    def is_stopping(self) -> bool:
        """Return whether somebody asked this job to stop; ``check_stop()`` also ends its run."""
        return Job.objects.bound_as(self.attempt_key.binding).filter(stop_requested=True).exists()

    def check_stop(self) -> None:
        """Raise JobStopped if somebody asked this job to stop, which ends it as STOPPED.

        Each call asks the database. Raise StaleAttempt if a newer attempt has replaced this one.
        """
        mine = Job.objects.bound_as(self.attempt_key.binding).filter(state=JobState.ACTIVE)
        asked = mine.values_list("stop_requested", flat=True).first()
        if asked is None:
            self._stale()
        if asked:
            raise JobStopped(job_id=self.id)

    @property
    def fence(self) -> int:
        """Return a number that is higher than that of every earlier attempt of the job's queue.

        Pass it to systems outside the database: they remember the highest number that they have
        seen and refuse a lower one. The first access takes the number, and the attempt keeps it.
        Raise StaleAttempt if a newer attempt has replaced this one, RuntimeError inside a
        transaction.
        """
        if not self._taken:
            number = fencing.take(self.attempt_key, self.claimed.queue)
            self._taken.append(self._stale() if number is None else number)
        return self._taken[0]

    def progress(self, current: float, total: float | None = None, message: str = "") -> None:
        """Report the progress of the job.

        ``current`` and ``total`` are numbers in any unit, and ``message`` is a text; a value that
        is not a finite number counts as unknown. Raise StaleAttempt if a newer attempt has replaced
        this one.
        """
        if not finishing.report(self.attempt_key, Progress.of(current, total, message)):
            self._stale()

    def log(self, text: object, *, level: object = "INFO") -> None:
        """Add a line to the job's log, which its page and ``offload logs`` show while it runs.

        ``text`` may have several lines, 4,000 characters in all; ``level`` is a name such as
        WARNING. The last lines of each attempt are kept, ``OFFLOAD["LOG_LINES"]`` at most.
        """
        if not self._log:
            self._log.append(RunLog(self.attempt_key))
        self._log[0].add(text, level)

    def run_program(
        self,
        command: Sequence[Part],
        *,
        outputs: Sequence[str] | None = None,
        stdout: str | None = None,
        env: Mapping[str, str] | None = None,
        progress: Reader | None = None,
        timeout: Seconds | None = None,
    ) -> ProgramResult:
        """Run a program in the run's scratch folder, and add the files that it makes as outputs.

        ``command`` is a list: the program's name or path, then texts, numbers, paths and inputs,
        which become paths of local copies; no shell reads it. ``outputs`` are patterns of the
        names of files to add, where ``*`` also matches slashes, and each must match; None adds
        all. What is added leaves the folder, all else stays for the next program of this run.
        ``stdout`` is the name of a file for its standard output. ``env`` is added to its
        environment, which else has PATH, the language and time zone, and folders for temporary
        files. ``progress`` reads a line of output as the work done and the whole, or None; without
        it, each line is reported. ``timeout`` is a number of seconds or a timedelta.

        It is ended with the run, with all that it started. Raise InvalidProgram; ProgramFailed if
        it fails, takes too long, makes no such file or is not on this host; TooLarge or NoSpace if
        it writes too much; InvalidName for a file's name; InvalidDelay for an invalid timeout;
        JobStopped or StaleAttempt meanwhile.
        """
        limit = None if timeout is None else check_delay(timeout, name="timeout")
        run = ProgramRun(owner=self, scratch=self.scratch, reader=progress, timeout=limit)
        return run_program(
            run, command, outputs=outputs, stdout=stdout, env=env, add=self.outputs.add
        )

    def hand_over(self, timeout: Seconds = 3600.0) -> str:
        """Hand the job over to something outside; return the token that ends it.

        ``timeout`` is the time that the other side has, as a number of seconds or a timedelta, ten
        years at most. The job leaves its worker once its function has returned, whatever it
        returns; a function that raises fails the attempt, and the token becomes worthless. Pass the
        token to ``offload.complete``, ``offload.fail`` or ``offload.progress``. Raise InvalidDelay
        for an invalid timeout.
        """
        self._handover.timeout = check_delay(timeout, name="timeout")
        return async_completion.token_of(self.attempt_key)

    @property
    def handed_over_for(self) -> float | None:
        """Return the seconds for which this run hands its job over, or None if it does not."""
        return self._handover.timeout

    def _stale(self) -> NoReturn:
        raise stale_attempt(self.attempt_key)


_current: ContextVar[CurrentJob | None] = ContextVar("offload_current_job", default=None)


def current_job() -> CurrentJob:
    """Return the job that runs here; raise NoCurrentJob outside of a job."""
    job = _current.get()
    if job is None:
        raise NoCurrentJob
    return job


def running_job() -> CurrentJob | None:
    """Return the job that runs here, or None."""
    return _current.get()


def end_log(job: CurrentJob) -> None:
    """Write the lines of a run that has ended, if any wait."""
    for log in job._log:
        log.write()


def handed_over_for() -> float | None:
    """Return the seconds for which the job that runs here is handed over, or None."""
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
