"""The statements that change the row of a job. None means: no row matched."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import UNSTARTED, JobState
from tests.unit.protocol.model import CRASHES, FAILURES, NOBODY, Attempt, Job, Phase

if TYPE_CHECKING:
    from tests.unit.protocol.rules import Rules


def bind(job: Job, instance: int, incarnation: int, rules: Rules) -> Job | None:
    """Bind a waiting job to an instance under a new epoch (B8)."""
    if job.state != JobState.PENDING:
        return None
    return job._replace(
        state=JobState.QUEUED,
        epoch=job.epoch + rules.bind_raises_epoch,
        instance=instance,
        incarnation=incarnation,
    )


def claim(job: Job, attempt: Attempt, incarnation: int, token: int, rules: Rules) -> Job | None:
    """Begin the run of a job that is bound to this incarnation of the attempt's instance (R1)."""
    if job.state != JobState.QUEUED:
        return None
    here = (attempt.instance, incarnation)
    if rules.claim_matches_place and here != (job.instance, job.incarnation):
        return None
    if rules.claim_matches_epoch and attempt.epoch != job.epoch:
        return None
    if rules.claim_refuses_stop and job.stop_requested:
        return None
    return job._replace(state=JobState.ACTIVE, token=token)


def finish(job: Job, attempt: Attempt, outcome: JobState, rules: Rules) -> Job | None:
    """End a run as its own attempt (R5); PENDING as outcome means: failed."""
    if rules.finish_needs_active and job.state != JobState.ACTIVE:
        return None
    mine = (attempt.epoch, attempt.token) == (job.epoch, job.token)
    if rules.finish_matches_attempt and not mine:
        return None
    if outcome != JobState.PENDING:
        return _final(job, outcome, attempt.token, rules)
    failed = job._replace(failures=job.failures + 1)
    if failed.failures >= FAILURES:
        return _final(failed, JobState.GIVEN_UP, attempt.token, rules)
    return requeue(failed, rules, attempt.token)


def requeue(job: Job, rules: Rules, finisher: int = NOBODY) -> Job:
    """Send a job back to PENDING: the one CASE through which every way back leads (E1)."""
    if job.stop_requested and rules.requeue_yields_stopped:
        return _final(job, JobState.STOPPED, finisher, rules)
    return job._replace(state=JobState.PENDING, instance=None, incarnation=0, token=NOBODY)


def give_back(job: Job, rules: Rules, *, crash: bool = True) -> Job:
    """Take a bound or running job from its instance; a run that is lost counts as a crash."""
    if job.state == JobState.ACTIVE and not job.reruns:
        job = job._replace(is_lost=True)
        if rules.lost_is_over and not job.stop_requested:
            return _final(job, JobState.ERROR, NOBODY, rules)
    if job.state == JobState.QUEUED or not crash:
        return requeue(job, rules)
    lost = job._replace(crashes=job.crashes + 1)
    if lost.crashes >= CRASHES and not job.stop_requested:
        return _final(lost, JobState.GIVEN_UP, NOBODY, rules)
    return requeue(lost, rules)


def stop(job: Job, rules: Rules) -> Job | None:
    """Accept a stop; what waits ends in the same UPDATE (E1)."""
    if job.final or job.stop_requested:
        return None
    stopping = job._replace(stop_requested=True)
    if job.state in UNSTARTED and rules.stop_ends_waiting:
        return _final(stopping, JobState.STOPPED, NOBODY, rules)
    return stopping


def conclude(job: Job, rules: Rules) -> Job | None:
    """Write the result of a final job, once (K1)."""
    if rules.conclude_compares and not job.aftermath_due:
        return None
    return job._replace(aftermath_due=False, results=job.results + 1)


def again(job: Job, rules: Rules) -> Job | None:
    """Take a job that is over out of history, and begin a new one under its id (E3)."""
    if not job.settled or job.aftermath_due:
        return None
    epoch = job.epoch if rules.again_keeps_epoch else 0
    return Job(epoch=epoch, since=epoch, before=job.before + 1)


def reread(job: Job, attempt: Attempt, rules: Rules) -> Phase | None:
    """Look once at the row that a write did not match (R1); None means: stale."""
    if not rules.reread or attempt.token != job.token or attempt.token == NOBODY:
        return None
    if job.final:
        return Phase.FINISHED
    return Phase.RUNNING if job.state == JobState.ACTIVE else None


def _final(job: Job, state: JobState, finisher: int, rules: Rules) -> Job:
    by_other = finisher == NOBODY and rules.lost_clears_token
    return job._replace(
        state=state,
        instance=None,
        incarnation=0,
        token=NOBODY if by_other else job.token,
        aftermath_due=rules.others_set_due or finisher != NOBODY,
        finishes=job.finishes + 1,
        finisher=finisher,
    )
