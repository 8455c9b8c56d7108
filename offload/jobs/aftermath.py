"""The aftermath of a job's end, done once: the sinks of jobs that their own attempt did not end."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

from offload.canvas.failing import TOLD_AFTER
from offload.canvas.following import tail
from offload.core.files.deliveries import DELIVER_OPTION
from offload.core.states import FAILED, JobState
from offload.core.texts import counted
from offload.db import database
from offload.fleet.duties import Duty
from offload.jobs import ran, sinks
from offload.messaging.installation import current_installation
from offload.models import Job, Kind
from offload.results import result_backend
from offload.runs import step_ends
from offload.tracking import terminations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from offload.canvas.following.tail import Ended
    from offload.jobs.sinks import Completion
    from offload.results.result_backend import Result

logger = logging.getLogger("offload.aftermath")

#: Jobs that a sweep reads at once.
SWEEP_JOBS = 200

#: Seconds after which a sweep leaves the rest to the next one.
SWEEP_SECONDS = 2.0

#: Maximum number of jobs concluded at once; more are left to the sweep.
CONCLUDED_AT_ONCE = 20

#: Key of log lines about an unreachable result backend, for all jobs together.
BACKEND_AWAY = "away"


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCompletion:
    """A final job, read from its row."""

    job: Job
    is_silent: bool

    @staticmethod
    def of(job: Job) -> RowCompletion:
        """Return that of a row; Celery itself has stored the result of a plain task that it ran."""
        return RowCompletion(job=job, is_silent=_is_ended_by_celery(job) or ran.is_silent(job))

    @property
    def job_id(self) -> str:
        """Return the job's id."""
        return str(self.job.pk)

    @property
    def has_tail(self) -> bool:
        """Return whether the job has successors or a join that are not Celery's to follow."""
        return self.job.has_tail and not _is_ended_by_celery(self.job)

    @property
    def has_failed(self) -> bool:
        """Return whether it ended because of a failure, a loss or its time."""
        return self.job.job_state in FAILED

    @property
    def step(self) -> str:
        """Return the name of the step that it is in its run; "" for a job that is none."""
        return step_ends.step_of(self.job.options, self.job.run_id)

    @property
    def orders(self) -> object:
        """Return the frozen orders for deliveries of outputs; None if there are none to make."""
        is_good = self.job.state == JobState.SUCCEEDED
        return self.job.options.get(DELIVER_OPTION) if is_good else None

    @property
    def result(self) -> Result:
        """Return the result for Celery's backend."""
        return result_backend.of_job(self.job)

    @property
    def ended(self) -> Ended:
        """Return the end, for the job's successors."""
        return tail.ended(self.job)


def _is_ended_by_celery(job: Job) -> bool:
    """Return whether it is a plain task whose end Celery has stored and followed itself."""
    return job.kind == Kind.RELAY and not job.hold


def conclude(job_id: str) -> bool:
    """Run the due sinks of a final job (K1); return whether they were due.

    The process that clears the mark, by compare-and-set, runs them. Sinks outside the job's
    database come first: running them twice is harmless, leaving them out is not.
    """
    job = Job.objects.filter(pk=job_id, aftermath_due=True).first()
    if job is None:
        return False
    end = RowCompletion.of(job)
    outside, inside, after = sinks.wanted(end)
    if outside:
        if isinstance(job.tail, dict) and (culprit := job.tail.get(TOLD_AFTER)):
            conclude_all([culprit])
        for sink in outside:
            sink.act(end)
    with database.atomic():
        if not _take(end):
            return False
        for sink in inside + after:
            sink.act(end)
    return True


def _take(end: Completion) -> bool:
    """Clear the mark that something is due; return whether it was set."""
    is_kept = not end.is_silent and result_backend.keeps_values()
    return terminations.take_aftermath(end.job_id, is_kept=is_kept)


def deliver(end: Completion) -> None:
    """Run the sinks outside the job's database, right after the finish.

    If that fails, the mark stays, and the sweep concludes the job.
    """
    outside = sinks.wanted(end).outside
    names = " and ".join(sink.name for sink in outside)
    try:
        for sink in outside:
            sink.act(end)
        _take(end)
    except TimeoutError as error:
        logger.warning("the %s of job %s is not stored yet: %s", names, end.job_id, error)
    except Exception:
        logger.exception("the %s of job %s is not stored yet", names, end.job_id)


def announce(result: Result) -> None:
    """Write an intermediate result into a backend outside the job's database, if that answers."""
    try:
        result_backend.store(result)
    except Exception as error:
        logger.warning("job %s is not called %s: %s", result.task_id, result.status, error)


def correct(job_id: str) -> None:
    """Write a job's final result again, over a late one of a stale attempt."""
    job = Job.objects.filter(pk=job_id).first()
    if job is not None and job.is_finished:
        announce(result_backend.of_job(job))


def conclude_all(job_ids: Iterable[str]) -> int:
    """Conclude these jobs one by one and return how many; failures are logged and stay due."""
    done, overdue = 0, []
    for job_id in job_ids:
        try:
            done += conclude(job_id)
        except TimeoutError as error:
            overdue.append((job_id, error))
        except Exception:
            if current_installation.throttle.allows(job_id):
                logger.exception("the aftermath of job %s failed and stays due", job_id)
    if overdue and current_installation.throttle.allows(BACKEND_AWAY):
        line = "the aftermath of %s stays due, such as that of %s: %s"
        logger.warning(line, counted(len(overdue), "job", "jobs"), *overdue[0])
    return done


def conclude_some(job_ids: list[str]) -> int:
    """Conclude these jobs if they are few; leave many to the sweep, to return soon."""
    return conclude_all(job_ids) if len(job_ids) <= CONCLUDED_AT_ONCE else 0


@dataclass(slots=True)
class Turn:
    """The place where the next sweep continues."""

    #: The last job of the last sweep; empty if that reached the end.
    behind: str = ""

    def each(self, job_ids: Iterable[str], end: float) -> Iterator[str]:
        """Yield items until a deadline, and remember the last one."""
        for job_id in job_ids:
            self.behind = job_id
            yield job_id
            if monotonic() > end:
                return


def sweep(turn: Turn | None = None) -> int:
    """Conclude jobs that are due, whichever process died before; return how many.

    If there are more than it has time for, the next sweep with the same turn continues behind them.
    """
    turn = turn or Turn()
    count, end = 0, monotonic() + SWEEP_SECONDS
    while ids := terminations.due(SWEEP_JOBS, after=turn.behind):
        done = conclude_all(turn.each(ids, end))
        count += done
        if monotonic() > end:
            return count
        # Jobs that keep failing must not be tried again at once.
        if len(ids) < SWEEP_JOBS or not done:
            break
    turn.behind = "" if len(ids) < SWEEP_JOBS else turn.behind
    return count


def duty() -> Duty:
    """Return the sweep as a leader's duty.

    It needs no term: a compare-and-set per job lets only one process do it.
    """
    return Duty(name="conclude", do=partial(sweep, Turn()))
