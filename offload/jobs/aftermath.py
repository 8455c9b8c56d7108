"""The aftermath of a job's end, done once: the sinks of what others than its attempt ended."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING

from offload.canvas.failing import TOLD_AFTER
from offload.canvas.following import tail
from offload.core.texts import counted
from offload.db import database
from offload.fleet.duties import Duty
from offload.jobs import ran, sinks
from offload.messaging.log_throttle import LogThrottle
from offload.models import Job
from offload.results import result_backend
from offload.tracking import terminations

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from offload.canvas.following.tail import Ended
    from offload.jobs.sinks import Completion
    from offload.results.result_backend import Result

logger = logging.getLogger("offload.aftermath")

#: Jobs that a sweep asks for at once.
SWEEP_JOBS = 200

#: Seconds after which a sweep leaves the rest to the next one.
SWEEP_SECONDS = 2.0

#: Jobs up to which whoever ends them concludes them at once.
CONCLUDED_AT_ONCE = 20

#: Stands for all that a backend which is away keeps from its end.
BACKEND_AWAY = "away"
hush = LogThrottle()

#: Behind which job the last sweep of this process ended.
_last = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowCompletion:
    """A final job that is concluded by what its row says."""

    job: Job
    is_silent: bool

    @property
    def job_id(self) -> str:
        """Return the job's id."""
        return str(self.job.pk)

    @property
    def has_tail(self) -> bool:
        """Return whether something hangs on the end."""
        return self.job.has_tail

    @property
    def result(self) -> Result:
        """Return what Celery's backend is to say."""
        return result_backend.of_job(self.job)

    @property
    def ended(self) -> Ended:
        """Return the end, for what hangs on it."""
        return tail.ended(self.job)


def conclude(job_id: str) -> bool:
    """Do what is due after the end of a job (K1); return whether it was due.

    Whoever clears the mark, by compare-and-set, does it. What lies outside the job's database
    comes first: doing it twice is harmless, not doing it is not.
    """
    job = Job.objects.filter(pk=job_id, aftermath_due=True).first()
    if job is None:
        return False
    end = RowCompletion(job=job, is_silent=ran.is_silent(job))
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
    """Do what lies outside the job's database, right after the finish.

    Where that fails the mark stays, and the sweep concludes the job.
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
    """Write a result that is not the last one, outside the job's database, if that answers."""
    try:
        result_backend.store(result)
    except Exception as error:
        logger.warning("job %s is not called %s: %s", result.task_id, result.status, error)


def correct(job_id: str) -> None:
    """Write the last result of a job again, over the word of an attempt that was overtaken."""
    job = Job.objects.filter(pk=job_id).first()
    if job is not None and job.is_finished:
        announce(result_backend.of_job(job))


def conclude_all(job_ids: Iterable[str]) -> int:
    """Conclude these jobs, one by one, and return how many; what fails is logged and stays due."""
    done, overdue = 0, []
    for job_id in job_ids:
        try:
            done += conclude(job_id)
        except TimeoutError as error:
            overdue.append((job_id, error))
        except Exception:
            if hush.lets(job_id):
                logger.exception("the aftermath of job %s failed and stays due", job_id)
    if overdue and hush.lets(BACKEND_AWAY):
        told = "the aftermath of %s stays due, such as that of %s: %s"
        logger.warning(told, counted(len(overdue), "job", "jobs"), *overdue[0])
    return done


def conclude_some(job_ids: list[str]) -> int:
    """Conclude these jobs if they are few; many are left to the sweep, or this would not return."""
    return conclude_all(job_ids) if len(job_ids) <= CONCLUDED_AT_ONCE else 0


def sweep() -> int:
    """Conclude what is due, whoever died before doing it; return how many.

    Where more is due than it has time for, the next one goes on behind it.
    """
    global _last
    count, end = 0, monotonic() + SWEEP_SECONDS
    while ids := terminations.due(SWEEP_JOBS, after=_last):
        done = conclude_all(_in_turn(ids, end))
        count += done
        if monotonic() > end:
            return count
        # Of those that fail each time, nothing is tried again at once.
        if len(ids) < SWEEP_JOBS or not done:
            break
    _last = "" if len(ids) < SWEEP_JOBS else _last
    return count


#: It needs no term: a compare-and-set per job lets one do it.
CONCLUDE = Duty(name="conclude", do=sweep)


def _in_turn(job_ids: Iterable[str], end: float) -> Iterator[str]:
    """Yield one after another until a moment, and remember which was the last."""
    global _last
    for job_id in job_ids:
        _last = job_id
        yield job_id
        if monotonic() > end:
            return
