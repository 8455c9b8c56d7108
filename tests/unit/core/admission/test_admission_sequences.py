"""Sequences of what happens to a queue, decided by `admit()` and `choose()` alone.

Binds, ends, crashes, changes of limits and steps of the clock come in any order. The promises of a
queue are checked by what began, not by what the decisions say of themselves.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from offload.core.admission.admission import admit
from offload.core.admission.gates import Usage
from offload.core.admission.turns import Choice, QueueTurn, WaitingJob, choose
from offload.core.matching.job_keys import KeyRules
from offload.core.policies import Policy, QueueType
from offload.core.retries import RetryPolicy
from offload.core.timing.rates import Rate
from offload.core.topics import Pattern

BEGIN = datetime(2030, 1, 1, tzinfo=UTC)
KEYS = st.sampled_from(["", "a", "b", "c"])
LIMITS = st.none() | st.integers(1, 4)
RATES = st.none() | st.builds(Rate, st.integers(1, 9), st.just("s"), st.none() | st.just(3))
#: Turns in which every key that waits is served, where each has its weight and there is room.
KEYS_MOST = 4


class QueueMachine(RuleBasedStateMachine):
    """A queue whose jobs are bound, end and crash."""

    type: QueueType = QueueType.UNORDERED
    fair = False

    def __init__(self) -> None:
        super().__init__()
        self.now, self.numbers = BEGIN, count()
        self.waiting: list[WaitingJob] = []
        self.bound: list[WaitingJob] = []
        #: When each job was bound, in order; a job that crashed may be there twice.
        self.begun: list[tuple[datetime, WaitingJob]] = []
        self.turn, self.tokens, self.filled = QueueTurn(), 0.0, BEGIN
        #: Jobs of others that were bound since a key that could have been bound last got its turn.
        self.passed: Counter[str] = Counter()

    @initialize(max_parallel=LIMITS, per_key=LIMITS, rate=RATES)
    def make(self, max_parallel: int | None, per_key: int | None, rate: Rate | None) -> None:
        keys = KeyRules(most=per_key, is_fair=self.fair)
        self.policy = Policy(
            name="line",
            patterns=(Pattern.parse("**"),),
            retry=RetryPolicy(retries=0, delay=0),
            type=self.type,
            max_parallel=max_parallel,
            rate=rate,
            keys=keys,
        )
        self.tokens = float(rate.burst) if rate else 0.0

    @rule(key=KEYS, priority=st.integers(0, 1), jobs=st.integers(1, 6))
    def submit(self, key: str, priority: int, jobs: int) -> None:
        for _ in range(jobs):
            number = next(self.numbers)
            self.waiting.append(WaitingJob(f"{number:05}", "t", key, priority, number))

    @rule(seconds=st.floats(0, 3))
    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(max_parallel=LIMITS)
    def limit(self, max_parallel: int | None) -> None:
        self.policy = replace(self.policy, max_parallel=max_parallel)

    @rule(suspended=st.booleans())
    def suspend(self, suspended: bool) -> None:
        self.policy = replace(self.policy, suspended=suspended)

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        if self.bound:
            self.bound.remove(data.draw(st.sampled_from(self.bound)))

    @rule(data=st.data())
    def crash(self, data: st.DataObject) -> None:
        if self.bound:
            lost = data.draw(st.sampled_from(self.bound))
            self.bound.remove(lost)
            self.waiting.append(lost)

    @rule(room=st.integers(1, 6))
    def bind(self, room: int) -> None:
        """Bind as a binder does: admit, choose, and count what was bound."""
        rate, by_key = self.policy.rate, Counter(one.key for one in self.bound)
        if rate:
            passed = (self.now - self.filled).total_seconds()
            self.tokens, self.filled = rate.level(self.tokens, passed), self.now
        usage = Usage(bound=len(self.bound), tokens=self.tokens if rate else None)
        allowed = admit(self.policy, usage, self.now)
        limit = 1 if allowed.in_order else room
        choice = Choice(by=self.policy.turns_by, most_per_key=self.policy.limit_per_key)
        before = list(self.waiting)
        found, self.turn = choose(
            before, choice, limit=allowed.up_to(limit), bound=by_key, turn=self.turn
        )
        self.check(found, before, by_key)
        for one in found:
            self.waiting.remove(one)
            self.bound.append(one)
            self.begun.append((self.now, one))
        self.tokens -= len(found) if rate else 0

    def check(
        self, found: list[WaitingJob], before: list[WaitingJob], by_key: Counter[str]
    ) -> None:
        policy, most = self.policy, self.policy.limit_per_key
        if policy.suspended:
            assert not found
        if found and policy.limit is not None:
            assert len(self.bound) + len(found) <= policy.limit
        for key, more in Counter(one.key for one in found if one.key).items():
            assert most is None or by_key[key] + more <= most
        for one in found:
            ahead = [
                other
                for other in before
                if other.in_order < one.in_order and other not in found and other.key == one.key
            ]
            assert not ahead, "a job overtook one of its key"
        if self.fair:
            self.check_turns(found, before, by_key)

    def check_turns(
        self, found: list[WaitingJob], before: list[WaitingJob], by_key: Counter[str]
    ) -> None:
        """Nobody who could be bound is passed over by more than one job of each other key."""
        most = self.policy.limit_per_key
        able = {one.key for one in before if not one.key or most is None or by_key[one.key] < most}
        for one in found:
            for key in able - {one.key}:
                self.passed[key] += 1
            self.passed[one.key] = 0
        for key in [*self.passed]:
            if key not in able or key in {one.key for one in found}:
                self.passed[key] = 0
        assert all(number <= 2 * (KEYS_MOST - 1) for number in self.passed.values())

    @invariant()
    def keeps_the_rate(self) -> None:
        rate = self.policy.rate if hasattr(self, "policy") else None
        if rate is None or not self.begun:
            return
        end = self.begun[-1][0]
        for place, (start, _) in enumerate(self.begun):
            seconds = (end - start).total_seconds()
            most = rate.burst + rate.per_second * (seconds + 1)
            assert len(self.begun) - place <= most + 1e-3

    def teardown(self) -> None:
        """Let everything end: nothing may wait for ever."""
        if not hasattr(self, "policy"):
            return
        self.policy = replace(self.policy, suspended=False)
        for _ in range(4 * len(self.waiting) + 4):
            self.bound.clear()
            self.now += timedelta(seconds=2)
            self.bind(6)
        assert not self.waiting


class OrderedMachine(QueueMachine):
    """A queue whose jobs run one after the other."""

    type = QueueType.ORDERED

    def check(
        self, found: list[WaitingJob], before: list[WaitingJob], by_key: Counter[str]
    ) -> None:
        super().check(found, before, by_key)
        assert found in ([], [min(before, key=lambda one: one.in_order, default=None)])
        assert not (found and self.bound)


class FairMachine(QueueMachine):
    """A queue whose keys take turns."""

    fair = True


MACHINES: list[Any] = [QueueMachine, OrderedMachine, FairMachine]


@pytest.mark.parametrize("machine", MACHINES, ids=lambda one: one.__name__)
def test_no_sequence_breaks_a_promise_of_a_queue(machine: Any) -> None:
    case = machine.TestCase()
    case.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)

    case.runTest()

    assert case.settings.stateful_step_count == 40
