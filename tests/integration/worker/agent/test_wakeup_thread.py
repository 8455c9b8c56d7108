"""The thread of an agent that binds jobs when it is woken."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import override_settings

import offload
from offload.core.admission.submit_paths import Wakeable
from offload.core.states import JobState
from offload.db import database
from offload.dispatch.full_lanes import full_lanes
from offload.fleet.membership import host
from offload.messaging import wakeups
from offload.worker.wakeup_thread import AGAIN_SECONDS, WakeupThread
from tests.databases import on_postgresql
from tests.integration.world import HERE, LANE, TOPIC, join, row, states, waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.placement.lanes import Lane
    from tests.integration.world import Broker


@dataclass
class Agent:
    """A thread that is not started: each test lets it answer."""

    incarnation: str
    now: float = 100.0
    beat: Any = None
    offered: list[list[Lane]] = field(default_factory=list)
    threads: list[WakeupThread] = field(default_factory=list)

    def thread(self, **facts: Any) -> WakeupThread:
        """Return the thread, already listening."""
        self.beat = SimpleNamespace(incarnation=self.incarnation)
        made = WakeupThread(self.beat, clock=lambda: self.now, **facts)
        self.threads.append(made)
        made.answer(0)
        return made

    def note(self, lanes: Any) -> None:
        """Note lanes that are offered, and bind nothing."""
        self.offered.append(list(lanes))


@pytest.fixture
def agent(database_alias: str, app: object) -> Iterator[Agent]:
    """Return the agent of an instance of this host."""
    wakeups.wakeups.forget()
    found = Agent(join(facts={"host": host(), "wakeups": wakeups.ways()}))
    yield found
    for one in found.threads:
        one.close()


def test_a_woken_agent_binds_and_sends_the_job(agent: Agent, broker: Broker) -> None:
    thread = agent.thread()
    job = offload.submit(TOPIC)
    assert row(job.id).state == JobState.PENDING

    thread.answer(10)

    assert (row(job.id).state, row(job.id).instance) == (JobState.QUEUED, HERE)
    assert [one["id"] for one in broker.sent_to()] == [job.id]


def test_idle_slots_get_jobs_and_the_rest_waits_for_the_window(agent: Agent) -> None:
    thread = agent.thread()
    jobs = offload.submit_many(TOPIC, [{}] * 4)

    thread.answer(10)

    assert states([job.id for job in jobs]) == ["QUEUED", "QUEUED", "PENDING", "PENDING"]


def test_many_wakeups_are_one_look(agent: Agent) -> None:
    thread = agent.thread(offer=agent.note)
    for _ in range(20):
        offload.submit(TOPIC)

    thread.answer(10)
    thread.answer(0)

    assert agent.offered == [[LANE]]


def test_a_wakeup_is_no_truth(agent: Agent, broker: Broker) -> None:
    thread = agent.thread()
    for word in ("", "a|b", "no lane", str(LANE), "\udcff", f"x||{TOPIC}", "y" * 5000):
        end = Wakeable(near=(agent.incarnation,))
        assert wakeups.wakeups.wake(end, word.encode(errors="replace").decode())

    thread.answer(10)

    assert broker.sent_to() == []


def test_an_agent_hears_wakeups_of_its_next_incarnation(agent: Agent) -> None:
    now, agent.incarnation = agent.incarnation, "before"
    thread = agent.thread(offer=agent.note)
    agent.beat.incarnation = now
    thread.answer(0)

    assert not wakeups.wakeups.wake(Wakeable(near=("before",)), str(LANE))
    assert wakeups.wakeups.wake(Wakeable(near=(now,)), str(LANE))
    thread.answer(10)
    assert agent.offered == [[LANE]]


@on_postgresql
def test_an_agent_is_woken_by_the_database(agent: Agent) -> None:
    thread = agent.thread(offer=agent.note)
    waiting()
    assert wakeups.wakeups.wake(Wakeable(far=(agent.incarnation,)), str(LANE))

    thread.answer(10)

    assert agent.offered == [[LANE]]


@on_postgresql
def test_a_wakeup_that_comes_with_an_answer_is_heard_at_once(agent: Agent) -> None:
    thread = agent.thread(offer=agent.note)
    assert wakeups.wakeups.wake(Wakeable(far=(agent.incarnation,)), str(LANE))
    for _ in range(3):
        database.rows("SELECT 1", prepared=True)

    thread.answer(0)

    assert agent.offered == [[LANE]]


@on_postgresql
@pytest.mark.parametrize(("peers", "flushed"), [({}, "off"), ({"p": {"KEY": "k" * 32}}, "on")])
def test_bindings_are_flushed_where_other_clusters_get_some(
    agent: Agent, peers: dict[str, Any], flushed: str
) -> None:
    database.execute("SET synchronous_commit = on")
    with override_settings(OFFLOAD={**settings.OFFLOAD, "CLUSTER": "c", "PEERS": peers}):
        agent.thread(offer=agent.note)

    assert database.rows("SHOW synchronous_commit") == [(flushed,)]


@on_postgresql
def test_it_looks_once_more_for_what_was_not_worth_another_wakeup(agent: Agent) -> None:
    thread = agent.thread(offer=agent.note)
    assert wakeups.wakeups.wake(Wakeable(far=(agent.incarnation,)), str(LANE))
    thread.answer(10)
    agent.now += AGAIN_SECONDS
    thread.answer(0)
    assert agent.offered == [[LANE]]

    wakeups.wakeups.forget()
    assert wakeups.wakeups.wake(Wakeable(far=(agent.incarnation,)), str(LANE))
    thread.answer(10)
    waiting()
    agent.now += AGAIN_SECONDS
    thread.answer(0)
    thread.answer(0)
    assert agent.offered == [[LANE]] * 3

    full_lanes.note(LANE)


@on_postgresql
def test_it_listens_again_over_a_new_connection(agent: Agent) -> None:
    thread = agent.thread(offer=agent.note)
    database.connection().close()
    thread.answer(0)
    assert wakeups.wakeups.wake(Wakeable(far=(agent.incarnation,)), str(LANE))

    thread.answer(10)

    assert agent.offered == [[LANE]]
