"""Resources: whatever happens, no job begins for which there is nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offload.core.admission.resources import (
    CapacityReport,
    Per,
    ResourceInfo,
    ResourceUse,
    Stale,
    UsingJob,
    verdict,
)

NOW = datetime(2026, 3, 1, tzinfo=UTC)
HOSTS = ["a", "b", "c"]
#: A bind (amount and host), an end (which), a beginning (which), or a new capacity.
ACTS = st.one_of(
    st.tuples(st.just("bind"), st.integers(1, 4), st.sampled_from(HOSTS)),
    st.tuples(st.just("end"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("begin"), st.integers(0, 9), st.just("")),
    st.tuples(st.just("capacity"), st.integers(0, 6), st.just("")),
)


def job(number: int, amount: int = 1, host: str = "a", *, running: bool = False) -> UsingJob:
    return UsingJob(job_id=str(number), amount=amount, host=host, is_running=running)


@given(st.sampled_from(Per), st.lists(ACTS, max_size=40))
def test_no_sequence_lets_more_begin_than_there_is(
    per: Per, acts: list[tuple[str, int, str]]
) -> None:
    resource, holders = ResourceInfo(name="maya", capacity=3, per=per), list[UsingJob]()
    for number, (act, value, host) in enumerate(acts):
        use = ResourceUse(resource=resource, holders=holders)
        if act == "bind" and use.room(value, host, NOW) != 0:
            holders.append(job(number, value, host))
            use = ResourceUse(resource=resource, holders=holders)
            assert use.used <= resource.capacity
        elif act == "end" and holders:
            holders.pop(value % len(holders))
        elif act == "begin" and holders:
            place = value % len(holders)
            holders[place] = replace(holders[place], is_running=True)
        elif act == "capacity":
            resource = replace(resource, capacity=value)
            gone = ResourceUse(resource=resource, holders=holders).beyond(NOW)
            holders = [one for one in holders if one.job_id not in gone]
        left = [one for one in holders if not one.is_running]
        used = ResourceUse(resource=resource, holders=holders).used
        assert used <= resource.capacity or not left


def test_the_last_bound_go_first_and_no_more_than_need_be() -> None:
    holders = [job(1, running=True), job(2, 2), job(3), job(4)]
    use = ResourceUse(resource=ResourceInfo(name="maya", capacity=4), holders=holders)

    assert use.beyond(NOW) == ["4"]


def test_a_host_uses_as_much_as_the_job_that_uses_most_there() -> None:
    holders = [job(1, 2, "a"), job(2, 1, "a"), job(3, 1, "b")]
    use = ResourceUse(resource=ResourceInfo(name="maya", capacity=4, per=Per.HOST), holders=holders)

    assert (use.used, use.hosts) == (3, {"a": 2, "b": 1})
    assert [use.room(2, host, NOW) for host in HOSTS] == [None, None, 0]
    assert [use.room(3, host, NOW) for host in HOSTS] == [None, 0, 0]
    assert verdict(use, 2, NOW, hosts=HOSTS).is_open


@pytest.mark.parametrize(
    ("amount", "age", "stale", "there"),
    [
        (3, 0, Stale.CLOSED, 3),
        (9, 60, Stale.CLOSED, 5),
        (3, 61, Stale.CLOSED, 0),
        (3, 61, Stale.OPEN, 5),
        (None, None, Stale.CLOSED, 0),
        (None, None, Stale.OPEN, 5),
    ],
)
def test_a_report_lowers_the_capacity_while_it_counts(
    amount: int | None, age: int | None, stale: Stale, there: int
) -> None:
    at = None if age is None else NOW - timedelta(seconds=age)
    report = CapacityReport(amount=amount, at=at, age=60, stale=stale)

    assert ResourceInfo(name="maya", capacity=5, report=report).in_force(NOW) == there


def test_while_it_cools_down_nothing_may_begin_and_what_has_not_is_taken_back() -> None:
    resource = ResourceInfo(name="maya", capacity=9, cools_until=NOW + timedelta(seconds=1))
    use = ResourceUse(resource=resource, holders=[job(1, running=True), job(2), job(3)])

    assert (use.room(1, "a", NOW), use.beyond(NOW)) == (0, ["2", "3"])
    later = NOW + timedelta(seconds=1)
    assert (use.room(1, "a", later), use.beyond(later)) == (6, [])
