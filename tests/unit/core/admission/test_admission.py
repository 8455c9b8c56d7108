from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.admission.admission import UNLIMITED, Allowance, admit
from offload.core.admission.gates import UNUSED, GateVerdict, Usage
from offload.core.policies import DEFAULT_POLICY, Policy, QueueType
from offload.core.retries import RetryPolicy
from offload.core.states import Waiting
from offload.core.timing.rates import Rate
from offload.core.timing.windows import Windows, zone_of
from offload.core.topics import Pattern

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FULL, SUSPENDED, CLOSED = Waiting.QUEUE_LIMIT, Waiting.SUSPENDED, Waiting.CLOSED


def queue(**facts: Any) -> Policy:
    retry = RetryPolicy(retries=0, delay=0)
    return Policy(name="narrow", patterns=(Pattern.parse("**"),), retry=retry, **facts)


ALWAYS, NEVER = Windows.of(["00:00-24:00"], "UTC"), Windows((), zone_of("UTC"))
USAGES = st.builds(Usage, bound=st.integers(0, 50), tokens=st.none() | st.floats(0, 40))
POLICIES = st.builds(
    queue,
    type=st.sampled_from(QueueType),
    max_parallel=st.none() | st.integers(1, 40),
    suspended=st.booleans(),
    rate=st.none() | st.builds(Rate, st.integers(1, 99), st.sampled_from("smhd"), st.none()),
    windows=st.sampled_from([None, ALWAYS, NEVER]),
)


@pytest.mark.parametrize(
    ("facts", "bound", "n", "reason"),
    [
        ({}, 0, None, None),
        ({}, 50, None, None),
        # Three at once: 3 - bound may follow, and what is beyond three is too much.
        ({"max_parallel": 3}, 0, 3, None),
        ({"max_parallel": 3}, 2, 1, None),
        ({"max_parallel": 3}, 3, 0, FULL),
        ({"max_parallel": 3}, 5, -2, FULL),
        # In order: one at a time, whatever limit is written there as well.
        ({"type": QueueType.ORDERED}, 0, 1, None),
        ({"type": QueueType.ORDERED}, 1, 0, FULL),
        ({"type": QueueType.ORDERED, "max_parallel": 3}, 1, 0, FULL),
        # Suspended: none, so that all that are bound are too many.
        ({"suspended": True}, 0, 0, SUSPENDED),
        ({"suspended": True}, 4, -4, SUSPENDED),
        ({"suspended": True, "max_parallel": 3}, 2, -2, SUSPENDED),
        ({"suspended": True, "type": QueueType.ORDERED}, 1, -1, SUSPENDED),
        # Any number in a window, and none outside, where all that are bound are too many.
        ({"windows": ALWAYS}, 9, None, None),
        ({"windows": NEVER}, 9, -9, CLOSED),
        ({"windows": ALWAYS, "max_parallel": 3}, 2, 1, None),
        ({"windows": NEVER, "max_parallel": 3}, 2, -2, CLOSED),
        ({"windows": NEVER, "suspended": True}, 2, -2, SUSPENDED),
        # A full bucket at first, and no more than the limit.
        ({"rate": Rate(120, "m")}, 50, 2, None),
        ({"rate": Rate(120, "m"), "max_parallel": 3}, 2, 1, None),
    ],
)
def test_so_many_more_may_be_bound_and_for_this_reason_no_more(
    facts: dict[str, Any], bound: int, n: int | None, reason: Waiting | None
) -> None:
    allowance = admit(queue(**facts), Usage(bound=bound), NOW)

    assert (allowance.n, allowance.reason) == (n, reason)
    assert allowance.in_order == (facts.get("type") is QueueType.ORDERED)


@pytest.mark.parametrize(
    ("n", "is_open", "excess", "up_to_five"),
    [(None, True, 0, 5), (9, True, 0, 5), (2, True, 0, 2), (0, False, 0, 0), (-3, False, 3, 0)],
)
def test_an_allowance_says_what_follows_from_its_number(
    n: int | None, is_open: bool, excess: int, up_to_five: int
) -> None:
    allowance = Allowance(n=n)

    assert (allowance.is_open, allowance.excess, allowance.up_to(5)) == (
        is_open, excess, up_to_five,
    )  # fmt: skip


def test_the_default_queue_holds_nothing_back() -> None:
    assert admit(DEFAULT_POLICY, UNUSED, NOW) is UNLIMITED


@given(POLICIES, USAGES)
def test_a_reason_is_given_exactly_where_no_more_may_be_bound(policy: Policy, usage: Usage) -> None:
    allowance = admit(policy, usage, NOW)

    assert (allowance.reason is None) == allowance.is_open


@given(POLICIES, USAGES)
def test_the_tightest_gate_decides_and_every_gate_is_told(policy: Policy, usage: Usage) -> None:
    allowance = admit(policy, usage, NOW)

    found = [one.n for one in allowance.gates if one.n is not None]
    assert allowance.n == min(found, default=None)
    assert allowance.reason in {None, *(one.waiting for one in allowance.closed)}
    assert [one.gate for one in allowance.gates] == [
        name
        for name, is_there in (
            ("suspended", policy.suspended), ("windows", policy.windows is not None),
            ("limit", policy.limit is not None), ("rate", policy.rate is not None),
        ) if is_there
    ]  # fmt: skip


def test_closed_gates_that_open_by_themselves_say_when_all_of_them_are_open() -> None:
    def gate(**facts: Any) -> GateVerdict:
        return GateVerdict(gate="x", waiting=FULL, why="", fact="", **facts)

    soon, late = NOW + timedelta(seconds=1), NOW + timedelta(hours=1)

    assert Allowance(gates=(gate(n=0, again_at=late), gate(n=-1, again_at=soon))).opens_at == late
    assert Allowance(gates=(gate(n=0, again_at=late), gate(n=3))).opens_at == late
    assert Allowance(gates=(gate(n=0, again_at=late), gate(n=0))).opens_at is None
    assert Allowance(gates=(gate(n=None, again_at=late),)).opens_at is None


@given(POLICIES, USAGES)
def test_whoever_binds_what_is_allowed_makes_nothing_too_much(policy: Policy, usage: Usage) -> None:
    more = admit(policy, usage, NOW).up_to(1000)

    rate = policy.rate or Rate(1, "s")
    full = rate.burst if usage.tokens is None else min(usage.tokens, rate.capacity)
    after = admit(policy, Usage(bound=usage.bound + more, tokens=full - more), NOW)

    assert after.excess == admit(policy, usage, NOW).excess
    assert after.n is None or not after.is_open or more == 1000
    assert policy.rate is None or more <= policy.rate.capacity


@given(POLICIES, USAGES)
def test_once_the_excess_is_taken_back_nothing_is_too_much(policy: Policy, usage: Usage) -> None:
    excess = admit(policy, usage, NOW).excess

    assert excess <= usage.bound
    assert admit(policy, replace(usage, bound=usage.bound - excess), NOW).excess == 0


@given(POLICIES, USAGES)
def test_the_more_is_used_the_less_is_allowed(policy: Policy, usage: Usage) -> None:
    less, more = (admit(policy, one, NOW) for one in (replace(usage, bound=usage.bound + 1), usage))

    assert less.up_to(1000) <= more.up_to(1000)
    assert less.excess >= more.excess


@given(POLICIES, USAGES)
def test_nobody_has_to_count_where_the_answer_does_not_depend_on_it(
    policy: Policy, usage: Usage
) -> None:
    most, allowance = admit(policy, UNUSED, NOW), admit(policy, usage, NOW)

    assert most.is_unlimited == allowance.is_unlimited
    is_open = policy.windows is not NEVER and not policy.suspended
    assert most.is_unlimited == (is_open and not policy.is_counted)
    assert most.is_unlimited or not policy.is_plain
    assert most.is_open or not allowance.is_open
    assert most.in_order == allowance.in_order


def test_a_rate_says_when_the_next_one_may_begin() -> None:
    allowance = admit(queue(rate=Rate(30, "m")), Usage(tokens=0.5), NOW)

    [gate] = allowance.gates
    assert (allowance.n, allowance.reason) == (0, Waiting.RATE_LIMIT)
    # Half a token at one in two seconds.
    assert allowance.again_at == allowance.opens_at == NOW + timedelta(seconds=1)
    assert gate.step == "To change its rate: manage.py offload queues set narrow --rate N/m"
    assert gate.fact == "30/m, at most 1 at once: 0 may begin now."


def test_a_window_says_when_it_opens_and_until_when() -> None:
    noon = Windows.of(["12:00-13:00"], "UTC")

    closed, opened = (
        admit(queue(windows=noon), UNUSED, NOW + timedelta(hours=hours)) for hours in (0, 12)
    )

    assert closed.opens_at == NOW + timedelta(hours=12)
    assert closed.tightest
    assert closed.tightest.why.endswith("at this time: it runs 12:00-13:00 (UTC).")
    assert opened.is_unlimited
    assert opened.gates[0].again_at == NOW + timedelta(hours=13)
