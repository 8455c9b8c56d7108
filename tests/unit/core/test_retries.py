from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.exceptions import ConfigurationError
from offload.core.matching.retried_errors import RetriedErrors, lineage
from offload.core.policies import DEFAULT_POLICY
from offload.core.retries import (
    CRASH_CAUSES,
    FAILURE_CAUSES,
    UNLIMITED_RETRIES,
    Cause,
    RetryPolicy,
    decide,
)
from offload.core.states import JobState

TWICE = RetryPolicy(retries=2, delay=2.0, backoff=3.0, max_delay=10.0)
EVER = RetryPolicy(retries=UNLIMITED_RETRIES, delay=2.0)
NEVER = RetryPolicy(retries=0, delay=2.0)

PENDING, GIVEN_UP, ERROR = JobState.PENDING, JobState.GIVEN_UP, JobState.ERROR

TABLE = [
    # policy, cause, before: failures, crashes; after: state, delay, failures, crashes
    (TWICE, Cause.FAILED, 0, 0, PENDING, 2.0, 1, 0),  # 2 x 3^0
    (TWICE, Cause.FAILED, 1, 0, PENDING, 6.0, 2, 0),  # 2 x 3^1
    (TWICE, Cause.FAILED, 2, 0, GIVEN_UP, 0.0, 3, 0),  # 2 retries are 3 attempts
    (TWICE, Cause.TIMED_OUT, 1, 1, PENDING, 6.0, 2, 1),  # counts like a failure
    (TWICE, Cause.TIMED_OUT, 2, 1, GIVEN_UP, 0.0, 3, 1),
    (NEVER, Cause.FAILED, 0, 0, GIVEN_UP, 0.0, 1, 0),
    (EVER, Cause.FAILED, 999, 0, PENDING, 2.0, 1000, 0),  # no backoff: 2 for ever
    (TWICE, Cause.CRASHED, 2, 0, PENDING, 2.0, 2, 1),  # leaves the retries alone
    (TWICE, Cause.CRASHED, 0, 1, PENDING, 6.0, 0, 2),  # 2 x 3^1
    (TWICE, Cause.CRASHED, 0, 2, GIVEN_UP, 0.0, 0, 3),  # the third of three
    (EVER, Cause.CRASHED, 5, 2, GIVEN_UP, 0.0, 5, 3),  # also where failures never end it
    (NEVER, Cause.CRASHED, 0, 0, PENDING, 2.0, 0, 1),
    (TWICE, Cause.LOST, 1, 1, PENDING, 0.0, 1, 2),  # moves at once
    (EVER, Cause.LOST, 0, 2, GIVEN_UP, 0.0, 0, 3),
    (NEVER, Cause.REFUSED, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.REQUEUED, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.REPLACED, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.REJECTED, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.DENIED, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.STOPPED_ORDERLY, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.STOPPED, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.STOPPED_FORCED, 0, 2, PENDING, 0.0, 0, 2),
    (NEVER, Cause.LEASE_EXPIRED, 0, 2, PENDING, 0.0, 0, 2),
]


@pytest.mark.parametrize(
    ("policy", "cause", "failures", "crashes", "state", "delay", "failures_now", "crashes_now"),
    TABLE,
)
def test_the_decision_by_its_arithmetic(
    policy: RetryPolicy,
    cause: Cause,
    failures: int,
    crashes: int,
    state: JobState,
    delay: float,
    failures_now: int,
    crashes_now: int,
) -> None:
    decision = decide(policy, cause=cause, failures=failures, crashes=crashes)

    assert (decision.state, decision.delay) == (state, delay)
    assert (decision.failures, decision.crashes) == (failures_now, crashes_now)


def test_every_cause_is_in_the_table() -> None:
    assert {row[1] for row in TABLE} == set(Cause)


@pytest.mark.parametrize(
    ("cause", "reason"),
    [
        (Cause.FAILED, "failed; failure 1 of 3"),
        (Cause.TIMED_OUT, "timed out; failure 1 of 3"),
        (Cause.CRASHED, "crashed; crash 1 of 3"),
        (Cause.STOPPED_ORDERLY, "stopped orderly; it does not count"),
    ],
)
def test_the_decision_says_its_reason(cause: Cause, reason: str) -> None:
    assert decide(TWICE, cause=cause, failures=0, crashes=0).reason == reason


def test_a_policy_for_ever_says_so() -> None:
    assert "for ever" in decide(EVER, cause=Cause.FAILED, failures=7, crashes=0).reason


def test_a_final_failure_is_an_error_with_retries_left() -> None:
    decision = decide(EVER, cause=Cause.FAILED, failures=1, crashes=1, final=True)

    assert (decision.state, decision.delay) == (ERROR, 0.0)
    assert (decision.failures, decision.crashes) == (2, 1)


def test_a_final_rejection_is_an_error_and_no_failure() -> None:
    decision = decide(EVER, cause=Cause.REFUSED, failures=1, crashes=1, final=True)

    assert (decision.state, decision.failures) == (ERROR, 1)


@pytest.mark.parametrize(
    ("policy", "times", "seconds"),
    [
        (TWICE, 3, 10.0),  # 2 x 3^2 = 18, limited to 10
        (TWICE, 100_000, 10.0),  # too large for a float
        (RetryPolicy(retries=1, delay=3600, max_delay=600), 1, 3600),  # only backoff is limited
        (RetryPolicy(retries=1, delay=0, backoff=2), 100_000, 0.0),
    ],
)
def test_backoff_is_limited(policy: RetryPolicy, times: int, seconds: float) -> None:
    assert policy.wait(times) == seconds


def test_by_default_an_outage_of_ten_minutes_gives_up_no_job() -> None:
    policy = DEFAULT_POLICY.retry

    shortest = sum(policy.wait(times, draw=1.0) for times in range(1, policy.retries + 1))

    assert shortest > 600


def test_chance_shortens_a_wait_by_the_policys_part_of_it_at_most() -> None:
    policy = RetryPolicy(retries=9, delay=4.0, backoff=2.0, jitter=0.25)

    assert [policy.wait(2, draw) for draw in (0.0, 0.5, 1.0)] == [8.0, 7.0, 6.0]


def test_what_asks_for_no_delay_at_all_is_slowed_down() -> None:
    policy = RetryPolicy(retries=UNLIMITED_RETRIES, delay=0.0)

    delays = [
        decide(policy, cause=Cause.FAILED, failures=failures, crashes=0).delay
        for failures in range(100)
    ]

    assert delays == sorted(delays)
    assert delays[0] > 0
    assert sum(delays) > 90


@given(
    retries=st.integers(-1, 5),
    causes=st.lists(
        st.sampled_from(sorted(FAILURE_CAUSES | CRASH_CAUSES)), min_size=9, max_size=12
    ),
)
def test_no_job_crashes_more_often_than_its_policy_says(retries: int, causes: list[Cause]) -> None:
    policy = RetryPolicy(retries=retries, delay=1.0, crashes=2)
    failures = crashes = 0
    for cause in causes:
        decision = decide(policy, cause=cause, failures=failures, crashes=crashes)
        failures, crashes = decision.failures, decision.crashes
        if decision.state.is_final:
            break

    assert crashes <= policy.crashes
    assert retries == UNLIMITED_RETRIES or failures <= retries + 1


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("retries", -2),
        ("delay", -0.1),
        ("delay", float("nan")),
        ("delay", float("inf")),
        ("delay", 1e300),
        ("backoff", 1e300),
        ("retries", 10**30),
        ("backoff", 0.5),
        ("max_delay", -1.0),
        ("crashes", 0),
    ],
)
def test_an_impossible_policy_is_refused_by_name(fact: str, value: float) -> None:
    facts = {"retries": 1, "delay": 1.0} | {fact: value}

    with pytest.raises(ConfigurationError, match=fact):
        RetryPolicy(**facts)  # type: ignore[arg-type]


LISTED = RetryPolicy(
    retries=3, delay=2.0, errors=RetriedErrors(only=("LookupError",), never=("KeyError",))
)


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (IndexError, JobState.PENDING),
        (LookupError, JobState.PENDING),
        # The nearer class counts.
        (KeyError, JobState.ERROR),
        (ValueError, JobState.ERROR),
    ],
)
def test_the_lists_of_errors_decide_on_failures(kind: type[Exception], state: JobState) -> None:
    names = lineage(kind)

    found = decide(LISTED, cause=Cause.FAILED, failures=0, crashes=0, names=names)

    assert (found.state, found.failures) == (state, 1)
    assert ("is not retried" in found.reason) == (state is JobState.ERROR)
    crashed = decide(LISTED, cause=Cause.CRASHED, failures=0, crashes=0, names=names)
    assert crashed.state is JobState.PENDING


@pytest.mark.parametrize(("asked", "delay"), [(None, 2.0), (90.0, 90.0), (0.0, 0.01)])
def test_the_error_says_first_when_to_try_again(asked: float | None, delay: float) -> None:
    found = decide(LISTED, cause=Cause.FAILED, failures=0, crashes=0, delay=asked)

    assert found.delay == delay
    last = decide(LISTED, cause=Cause.FAILED, failures=3, crashes=0, delay=asked)
    assert (last.state, last.delay) == (JobState.GIVEN_UP, 0.0)
