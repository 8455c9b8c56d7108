"""The lease: one leader at a time, each act under its term."""

from __future__ import annotations

import threading
from datetime import timedelta
from functools import partial

import pytest
from django.db import connections
from django.db.models import F

from offload.core.placement.topology import Mode
from offload.db import database
from offload.fleet import departures, leadership, membership
from offload.fleet.leadership import NotLeader, Term, leading
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Lease
from offload.models.versions import current_version
from tests.databases import on_postgresql
from tests.integration.beside import BLOCKED, Beside, together
from tests.integration.world import HERE, THERE, join, running
from tests.polling import eventually


def _expire() -> None:
    Lease.objects.update(expires_at=F("expires_at") - timedelta(seconds=100))


def test_the_first_who_asks_leads_and_the_next_does_not() -> None:
    here, there = join(HERE), join(THERE)

    term = leadership.acquire(HERE, here)

    assert term == Term(number=1, holder=HERE, incarnation=here)
    assert leadership.acquire(THERE, there) is None
    current = snapshot(fresh=True).topology.leader
    assert current is not None
    assert current.name == HERE


def test_the_leader_renews_within_its_term() -> None:
    here = join()
    first = leadership.acquire(HERE, here)
    ends = Lease.objects.get().expires_at - timedelta(seconds=1)
    Lease.objects.update(expires_at=ends)
    version = current_version()

    assert leadership.acquire(HERE, here) == first
    assert Lease.objects.get().expires_at > ends
    assert current_version() == version


def test_a_lease_that_ended_is_taken_with_the_next_term() -> None:
    here, there = join(HERE), join(THERE)
    leadership.acquire(HERE, here)
    _expire()

    term = leadership.acquire(THERE, there)

    assert term == Term(number=2, holder=THERE, incarnation=there)
    assert leadership.acquire(HERE, here) is None


def test_a_leader_that_is_gone_is_replaced_at_once() -> None:
    here, there = join(HERE), join(THERE)
    leadership.acquire(HERE, here)
    membership.leave(HERE, here, reason="test", crash=True)

    term = leadership.acquire(THERE, there)

    assert term is not None
    assert term.number == 2


def test_a_leader_that_came_back_as_another_incarnation_is_replaced() -> None:
    here, there = join(HERE), join(THERE)
    leadership.acquire(HERE, here)
    Instance.objects.filter(pk=HERE).update(incarnation="second")

    assert leadership.acquire(THERE, there) is not None


def test_a_leader_that_resigns_is_replaced_at_the_next_look() -> None:
    here, there = join(HERE), join(THERE)
    leadership.acquire(HERE, here)

    leadership.resign(there)
    assert leadership.acquire(THERE, there) is None
    leadership.resign(here)
    assert leadership.acquire(THERE, there) is not None


def test_a_leader_acts_under_its_term() -> None:
    term = leadership.acquire(HERE, join())
    assert term is not None

    with leading(term):
        Instance.objects.update(gone_because="led")

    assert Instance.objects.get().gone_because == "led"


def test_an_act_of_a_leader_that_fails_leaves_nothing() -> None:
    term = leadership.acquire(HERE, join())
    assert term is not None

    def act() -> None:
        with leading(term):
            Instance.objects.update(gone_because="led")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()

    assert Instance.objects.get().gone_because == ""


def test_an_old_term_is_refused() -> None:
    here, there = join(HERE), join(THERE)
    old = leadership.acquire(HERE, here)
    assert old is not None
    _expire()
    leadership.acquire(THERE, there)

    with pytest.raises(NotLeader), leading(old):
        pytest.fail("acted under an old term")


def test_a_lease_that_ended_is_refused_though_nobody_else_leads() -> None:
    term = leadership.acquire(HERE, join())
    assert term is not None
    _expire()

    with pytest.raises(NotLeader), leading(term):
        pytest.fail("acted without a lease")


def test_an_old_leader_buries_nobody() -> None:
    here, there = join(HERE), join(THERE)
    run = running(THERE)
    old = leadership.acquire(HERE, here)
    assert old is not None
    _expire()
    leadership.acquire(THERE, there)

    with pytest.raises(NotLeader):
        departures.declare_gone(old, THERE, there, 0)

    assert Instance.objects.get(pk=THERE).mode == Mode.READY
    assert run.row.state == "ACTIVE"


def test_the_leader_buries_who_stood_still() -> None:
    here, there = join(HERE), join(THERE)
    run = running(THERE)
    term = leadership.acquire(HERE, here)
    assert term is not None

    departures.declare_gone(term, THERE, there, 0)

    assert Instance.objects.get(pk=THERE).gone_because == "no beat for 12 s"
    assert run.row.state == "PENDING"


@on_postgresql
def test_of_many_that_seek_the_lease_at_once_one_has_it() -> None:
    names = [f"n{number}@host" for number in range(6)]
    mine = [(name, join(name)) for name in names]

    for _ in range(5):
        found = together([partial(leadership.acquire, *one) for one in mine])
        (term,) = [term for term in found if term is not None]
        assert Lease.objects.get().term == term.number
        _expire()


@on_postgresql
def test_a_follower_that_freezes_while_it_asks_does_not_keep_the_leader_from_renewing() -> None:
    here, there = join(HERE), join(THERE)
    first = leadership.acquire(HERE, here)
    renewed: list[Term | None] = []

    with database.atomic():
        assert leadership.acquire(THERE, there) is None
        renewal = Beside(lambda: renewed.append(leadership.acquire(HERE, here)))
        eventually(renewal.waits_or_has_ended, what="the renewal")
        assert not database.rows(BLOCKED)
    renewal.end()

    assert renewed == [first]


@on_postgresql
def test_nobody_takes_the_lease_while_its_leader_acts() -> None:
    here, there = join(HERE), join(THERE)
    term = leadership.acquire(HERE, here)
    assert term is not None
    membership.leave(HERE, here, reason="test", crash=True)
    taken: list[Term | None] = []

    with leading(term):
        thread = threading.Thread(target=lambda: _take(THERE, there, taken))
        thread.start()
        eventually(_somebody_waits_for_this)
        assert taken == []
    thread.join()

    assert [one and one.number for one in taken] == [2]


def _take(name: str, incarnation: str, taken: list[Term | None]) -> None:
    taken.append(leadership.acquire(name, incarnation))
    connections.close_all()


def _somebody_waits_for_this() -> bool:
    return bool(
        database.rows(
            "SELECT 1 FROM pg_locks WHERE NOT granted "
            "AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
        )
    )
