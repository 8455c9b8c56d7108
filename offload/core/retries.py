"""Decisions on a job whose attempt ended without an outcome of its own."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offload.core.exceptions import ConfigurationError
from offload.core.states import JobState
from offload.core.validation import bounds

if TYPE_CHECKING:
    from offload.core.validation.bounds import Bound

UNLIMITED_RETRIES = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often, and after how long, a job is tried again."""

    # Attempts after the first; -1 is for ever.
    retries: int
    # Seconds before the first retry.
    delay: float
    # What the delay is multiplied by from one retry to the next.
    backoff: float = 1.0
    # Seconds up to which `backoff` may raise the delay.
    max_delay: float = 600.0
    # The part of each delay that chance may take away, so that what failed together does not
    # come back together.
    jitter: float = 0.0
    # The crash that ends the job, whatever `retries` says: one job must not take a fleet down.
    crashes: int = 3

    def __post_init__(self) -> None:
        _check("retries", self.retries, bounds.RETRIES)
        _check("delay", self.delay, bounds.RETRY_DELAY)
        _check("backoff", self.backoff, bounds.BACKOFF)
        _check("max_delay", self.max_delay, bounds.RETRY_DELAY)
        _check("jitter", self.jitter, bounds.JITTER)
        _check("crashes", self.crashes, bounds.CRASHES)

    def wait(self, times: int, luck: float = 0.0) -> float:
        """Return the seconds to wait after something happened for the `times`-th time.

        The greater `luck` is, from 0 to 1, the shorter.
        """
        return self._longest(times) * (1 - self.jitter * luck)

    def _longest(self, times: int) -> float:
        ceiling = max(self.delay, self.max_delay)
        try:
            return min(self.delay * self.backoff ** (times - 1), ceiling)
        except OverflowError:
            return ceiling if self.delay else 0.0


# Seconds before anything is tried again, at first and at most: whatever a policy or a task says.
FIRST_PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.01, 1.0


def least_pause(times: int) -> float:
    """Return the least seconds to wait after something happened for the `times`-th time.

    Whoever asks for no delay at all, again and again, is slowed down to one try per second.
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
    # The instance would not begin it.
    REFUSED = "refused"
    # It asked to be put back.
    REQUEUED = "requeued"
    # It saw that a stop was requested, and ended for that.
    STOPPED = "stopped"
    # It would not have the job now: `Reject(requeue=True)`.
    REJECTED = "rejected"
    # Its worker shut down in order: a deploy, a scale-in.
    STOPPED_ORDERLY = "stopped_orderly"
    # An operator ended its process or its worker.
    STOPPED_FORCED = "stopped_forced"
    # Its instance lost the database for longer than its lease.
    LEASE_EXPIRED = "lease_expired"


FAILURES = frozenset({Cause.FAILED, Cause.TIMED_OUT})
CRASHES = frozenset({Cause.CRASHED, Cause.LOST})


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
    # Why the attempt ended; None if it was not decided by a cause.
    cause: Cause | None = None


def decide(
    policy: RetryPolicy,
    *,
    cause: Cause,
    failures: int,
    crashes: int,
    final: bool = False,
    luck: float = 0.0,
) -> RetryDecision:
    """Decide on a job whose attempt ended by `cause`.

    `failures` and `crashes` count what went before; `final` says that a retry is pointless, and
    `luck`, from 0 to 1, how much of the policy's jitter there is.
    """
    decision = _decide(policy, cause, failures, crashes, final=final, luck=luck)
    return replace(decision, cause=cause)


def _decide(
    policy: RetryPolicy, cause: Cause, failures: int, crashes: int, *, final: bool, luck: float
) -> RetryDecision:
    if final:
        counted = failures + (cause in FAILURES)
        return _end(JobState.ERROR, counted, crashes, f"{_said(cause)}; retrying is pointless")
    if cause in FAILURES:
        return _after_failure(policy, cause, failures + 1, crashes, luck)
    if cause in CRASHES:
        return _after_crash(policy, cause, failures, crashes + 1, luck)
    return _again(0.0, failures, crashes, f"{_said(cause)}; it does not count")


def _after_failure(
    policy: RetryPolicy, cause: Cause, failures: int, crashes: int, luck: float
) -> RetryDecision:
    if policy.retries == UNLIMITED_RETRIES:
        told = f"{_said(cause)}; failure {failures}, retried for ever"
    else:
        told = f"{_said(cause)}; failure {failures} of {policy.retries + 1}"
        if failures > policy.retries:
            return _end(JobState.GIVEN_UP, failures, crashes, told)
    delay = max(policy.wait(failures, luck), least_pause(failures))
    return _again(delay, failures, crashes, told)


def _after_crash(
    policy: RetryPolicy, cause: Cause, failures: int, crashes: int, luck: float
) -> RetryDecision:
    told = f"{_said(cause)}; crash {crashes} of {policy.crashes}"
    if crashes >= policy.crashes:
        return _end(JobState.GIVEN_UP, failures, crashes, told)
    # The job of a lost instance moves at once; a dying child may need what a delay gives it.
    delay = policy.wait(crashes, luck) if cause is Cause.CRASHED else 0.0
    return _again(delay, failures, crashes, told)


def _again(delay: float, failures: int, crashes: int, reason: str) -> RetryDecision:
    return RetryDecision(
        state=JobState.PENDING, delay=delay, failures=failures, crashes=crashes, reason=reason
    )


def _end(state: JobState, failures: int, crashes: int, reason: str) -> RetryDecision:
    return RetryDecision(state=state, delay=0.0, failures=failures, crashes=crashes, reason=reason)


def _said(cause: Cause) -> str:
    return cause.replace("_", " ")


def _check(name: str, value: float, bound: Bound) -> None:
    if value not in bound:
        raise ConfigurationError(setting=name, problem=f"{value!r:.100} is not {bound}")
