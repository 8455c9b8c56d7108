"""Decisions on a job whose attempt ended without an outcome of its own."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offload.core.exceptions import ConfigurationError
from offload.core.matching.escalation import MEMORY_ERROR, Shortage
from offload.core.matching.retried_errors import ALL_ERRORS, RetriedErrors
from offload.core.states import JobState
from offload.core.validation import bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.validation.bounds import Bound

UNLIMITED_RETRIES = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, and after which delays, a job is retried."""

    # Attempts after the first; -1 is for ever.
    retries: int
    # Seconds before the first retry.
    delay: float
    # The factor by which the delay grows from one retry to the next.
    backoff: float = 1.0
    # Longest delay in seconds that `backoff` may reach.
    max_delay: float = 600.0
    # The fraction of each delay that may be randomly subtracted, so that jobs that failed
    # together do not come back together.
    jitter: float = 0.0
    # The crash that ends the job, whatever `retries` says: one job must not take a fleet down.
    crashes: int = 3
    # Which errors are retried at all.
    errors: RetriedErrors = ALL_ERRORS

    def __post_init__(self) -> None:
        _check("retries", self.retries, bounds.RETRIES)
        _check("delay", self.delay, bounds.RETRY_DELAY)
        _check("backoff", self.backoff, bounds.BACKOFF)
        _check("max_delay", self.max_delay, bounds.RETRY_DELAY)
        _check("jitter", self.jitter, bounds.JITTER)
        _check("crashes", self.crashes, bounds.CRASHES)

    def wait(self, times: int, draw: float = 0.0) -> float:
        """Return the seconds to wait after the `times`-th failure.

        `draw`, at random from 0 to 1, is the part of the jitter that is subtracted.
        """
        return self._longest(times) * (1 - self.jitter * draw)

    def _longest(self, times: int) -> float:
        ceiling = max(self.delay, self.max_delay)
        try:
            return min(self.delay * self.backoff ** (times - 1), ceiling)
        except OverflowError:
            return ceiling if self.delay else 0.0


# Least seconds before a retry, at first and at most, whatever a policy or a task says.
FIRST_PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.01, 1.0


def least_pause(times: int) -> float:
    """Return the least seconds to wait after the `times`-th failure.

    Repeated retries without a delay are slowed down to one per second.
    """
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(times - 1, 10), PAUSE_SECONDS_MAX))


class Cause(enum.StrEnum):
    """Why an attempt, or a binding, ended without a result."""

    # The consumer raised, or its result could not be stored.
    FAILED = "failed"
    # A time limit ended it.
    TIMED_OUT = "timed_out"
    # Its process died under it.
    CRASHED = "crashed"
    # Its instance is gone.
    LOST = "lost"
    # The instance refused to begin it.
    REFUSED = "refused"
    # It asked to be continued later.
    REQUEUED = "requeued"
    # It asked for a canvas in its place.
    REPLACED = "replaced"
    # It noticed a stop request and ended.
    STOPPED = "stopped"
    # It put the job back: `Reject(requeue=True)`.
    REJECTED = "rejected"
    # It got none of a resource: `ResourceDenied`.
    DENIED = "denied"
    # Its worker shut down in an orderly way, such as for a deploy.
    STOPPED_ORDERLY = "stopped_orderly"
    # An operator ended its process or its worker.
    STOPPED_FORCED = "stopped_forced"
    # Its instance lost the database for longer than its lease.
    LEASE_EXPIRED = "lease_expired"


FAILURE_CAUSES = frozenset({Cause.FAILED, Cause.TIMED_OUT})
CRASH_CAUSES = frozenset({Cause.CRASHED, Cause.LOST})
# Ends that no run reported, after which nobody knows how far it came.
LOSS_CAUSES = CRASH_CAUSES | {Cause.STOPPED_ORDERLY, Cause.STOPPED_FORCED, Cause.LEASE_EXPIRED}
# Ends after which it counts where the run was; after an orderly stop a job runs anywhere (E4b).
RESCUED_CAUSES = CRASH_CAUSES | {Cause.LEASE_EXPIRED}


def shortage_of(cause: Cause, names: Sequence[str]) -> Shortage | None:
    """Return the shortage that ended an attempt that failed; None if that is not known.

    ``names`` are those of the error's classes.
    """
    if cause is Cause.TIMED_OUT:
        return Shortage.TIMED_OUT
    is_memory = cause is Cause.FAILED and MEMORY_ERROR in names
    return Shortage.OUT_OF_MEMORY if is_memory else None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryDecision:
    """The next state of the job, with the counters to store and the reason to show."""

    # PENDING, GIVEN_UP or ERROR.
    state: JobState
    # Seconds before it may be bound again; 0 if it is final.
    delay: float
    failures: int
    crashes: int
    reason: str
    # Why the attempt ended; None if another decision ended it.
    cause: Cause | None = None


def decide(
    policy: RetryPolicy,
    *,
    cause: Cause,
    failures: int,
    crashes: int,
    final: bool = False,
    names: Sequence[str] = (),
    delay: float | None = None,
    draw: float = 0.0,
) -> RetryDecision:
    """Decide on a job whose attempt ended by `cause`.

    `failures` and `crashes` count the earlier ones. `final` says that a retry is pointless. `names`
    are those of the error's classes, the nearest first; `delay` is the wait in seconds that the
    error asks for, instead of the policy's.

    `draw`, at random from 0 to 1, is the part of the policy's jitter that is subtracted.
    """
    if cause in FAILURE_CAUSES and names and not (final or policy.errors.allow(names)):
        reason = f"{_as_words(cause)}; {names[0]} is not retried"
        decision = _end(JobState.ERROR, failures + 1, crashes, reason)
    else:
        decision = _decide(policy, cause, failures, crashes, final=final, draw=draw)
    if delay is not None and cause in FAILURE_CAUSES and decision.state is JobState.PENDING:
        decision = replace(decision, delay=max(delay, least_pause(decision.failures)))
    return replace(decision, cause=cause)


def _decide(
    policy: RetryPolicy, cause: Cause, failures: int, crashes: int, *, final: bool, draw: float
) -> RetryDecision:
    if final:
        counted = failures + (cause in FAILURE_CAUSES)
        return _end(JobState.ERROR, counted, crashes, f"{_as_words(cause)}; retrying is pointless")
    if cause in FAILURE_CAUSES:
        return _after_failure(policy, cause, failures + 1, crashes, draw)
    if cause in CRASH_CAUSES:
        return _after_crash(policy, cause, failures, crashes + 1, draw)
    return _again(0.0, failures, crashes, f"{_as_words(cause)}; it does not count")


def _after_failure(
    policy: RetryPolicy, cause: Cause, failures: int, crashes: int, draw: float
) -> RetryDecision:
    if policy.retries == UNLIMITED_RETRIES:
        reason = f"{_as_words(cause)}; failure {failures}, retried for ever"
    else:
        reason = f"{_as_words(cause)}; failure {failures} of {policy.retries + 1}"
        if failures > policy.retries:
            return _end(JobState.GIVEN_UP, failures, crashes, reason)
    delay = max(policy.wait(failures, draw), least_pause(failures))
    return _again(delay, failures, crashes, reason)


def _after_crash(
    policy: RetryPolicy, cause: Cause, failures: int, crashes: int, draw: float
) -> RetryDecision:
    reason = f"{_as_words(cause)}; crash {crashes} of {policy.crashes}"
    if crashes >= policy.crashes:
        return _end(JobState.GIVEN_UP, failures, crashes, reason)
    # The job of a lost instance moves at once; a dying child may need some time to end.
    delay = policy.wait(crashes, draw) if cause is Cause.CRASHED else 0.0
    return _again(delay, failures, crashes, reason)


def _again(delay: float, failures: int, crashes: int, reason: str) -> RetryDecision:
    return RetryDecision(
        state=JobState.PENDING, delay=delay, failures=failures, crashes=crashes, reason=reason
    )


def _end(state: JobState, failures: int, crashes: int, reason: str) -> RetryDecision:
    return RetryDecision(state=state, delay=0.0, failures=failures, crashes=crashes, reason=reason)


def _as_words(cause: Cause) -> str:
    return cause.replace("_", " ")


def _check(name: str, value: float, bound: Bound) -> None:
    if value not in bound:
        raise ConfigurationError(setting=name, problem=f"{value!r:.100} is not {bound}")
