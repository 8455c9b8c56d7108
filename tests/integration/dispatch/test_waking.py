"""Plain jobs are stored by one insert, and an agent is woken that binds them."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

import offload
from offload.core.states import JobState
from offload.db import database
from offload.fleet.membership import host
from offload.messaging import wakeups
from offload.models import Instance, Job, Queue
from tests.databases import on_postgresql
from tests.integration.world import HERE, LANE, THERE, TOPIC, join, row, states

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from tests.integration.world import Broker


@pytest.fixture(autouse=True)
def _calm(app: object) -> Iterator[None]:
    """Remember no wakeup, and let the topology's version be asked for once."""
    wakeups.wakeups.forget()
    with override_settings(OFFLOAD={**django_settings.OFFLOAD, "TOPOLOGY_AGE": 1000}):
        yield


@contextmanager
def agent(name: str = HERE, **facts: Any) -> Iterator[socket.socket]:
    """Return where the agent of an instance of this host is woken."""
    incarnation = join(name, facts={"host": host(), "wakeups": "local", **facts})
    with wakeups.listening(incarnation) as end:
        yield end


@contextmanager
def counted() -> Iterator[list[Any]]:
    """Collect what the block sends to the database."""
    found: list[Any] = []
    with CaptureQueriesContext(database.connection()) as captured:
        yield found
    found += captured.captured_queries


def test_a_submit_is_one_statement_and_a_wakeup(database_alias: str, broker: Broker) -> None:
    with agent() as end:
        offload.submit(TOPIC, {"width": 1})
        with counted() as sent:
            job = offload.submit(TOPIC, {"width": 2}, priority=3)

        assert len(sent) == 1
        assert wakeups.words(end) == [str(LANE)] * 2
    found = row(job.id)
    assert (found.state, found.epoch, found.instance) == (JobState.PENDING, 0, "")
    assert (found.properties, found.priority, found.lane) == ({"width": 2}, 3, str(LANE))
    assert (found.kind, found.args, found.options, found.tail) == ("job", [], {}, None)
    assert broker.sent_to() == []


def test_many_jobs_are_one_statement_and_one_wakeup(database_alias: str) -> None:
    with agent() as end:
        offload.submit(TOPIC)
        wakeups.words(end)
        with counted() as sent:
            jobs = offload.submit_many(TOPIC, [{"n": n} for n in range(50)])

        assert len(sent) == 1
        assert wakeups.words(end) == [str(LANE)]
    assert states([job.id for job in jobs]) == [JobState.PENDING] * 50


def test_the_wakeup_follows_the_commit_of_the_caller(database_alias: str) -> None:
    with agent() as end:
        with database.atomic():
            job = offload.submit(TOPIC)
            assert wakeups.words(end) == []
        assert wakeups.words(end) == [str(LANE)]
        assert row(job.id).state == JobState.PENDING
        with database.atomic():
            offload.submit(TOPIC)
            transaction.set_rollback(True, using=database.alias())
        assert wakeups.words(end) == []
    assert Job.objects.count() == 1


def test_one_of_several_agents_is_woken_in_turn(database_alias: str) -> None:
    with agent(HERE) as one, agent(THERE) as other:
        for _ in range(4):
            offload.submit(TOPIC)

        assert [len(wakeups.words(end)) for end in (one, other)] == [2, 2]


def test_where_no_agent_listens_the_submitter_binds(database_alias: str, broker: Broker) -> None:
    with agent():
        pass

    job = offload.submit(TOPIC)

    assert row(job.id).state == JobState.QUEUED
    assert [one["id"] for one in broker.sent_to()] == [job.id]


def test_one_agent_stands_in_for_another_that_is_dead(database_alias: str) -> None:
    with agent(THERE) as end:
        with agent(HERE):
            pass
        for _ in range(2):
            offload.submit(TOPIC)

        assert len(wakeups.words(end)) == 2


def test_the_setting_leaves_binding_to_the_submitter(database_alias: str, broker: Broker) -> None:
    given = {**django_settings.OFFLOAD, "FAST_SUBMIT": False}
    with agent() as end, override_settings(OFFLOAD=given):
        job = offload.submit(TOPIC)
        assert wakeups.ways() == "none"

        assert wakeups.words(end) == []
    assert row(job.id).state == JobState.QUEUED
    assert [one["id"] for one in broker.sent_to()] == [job.id]


def test_jobs_that_are_counted_are_bound_by_the_submitter(database_alias: str) -> None:
    Queue.objects.create(name="two", topics=["dam/manifest"], max_parallel=2)
    with agent() as end:
        limited = offload.submit("dam/manifest")
        large = offload.submit(TOPIC, files={"a": b"x"})
        later = offload.submit(TOPIC, delay=60)

        assert wakeups.words(end) == []
    assert states([limited.id, large.id, later.id]) == ["QUEUED", "QUEUED", "PENDING"]


def test_a_submit_with_the_broker_away_stores_and_wakes(database_alias: str, app: Any) -> None:
    with agent() as end:
        app.conf.broker_url = "amqp://127.0.0.1:1//"
        try:
            job = offload.submit(TOPIC)
        finally:
            app.conf.broker_url = "memory://"

        assert wakeups.words(end) == [str(LANE)]
    assert row(job.id).state == JobState.PENDING


@pytest.fixture
def listener(database_alias: str) -> Iterator[psycopg.Connection]:
    """Return a connection that listens as the agent of an instance of another host."""
    incarnation = join(facts={"host": "elsewhere", "wakeups": "notify"})
    given = database.connection().get_connection_params()
    names = ("dbname", "host", "port", "user", "password")
    told = {name: given[name] for name in names if given.get(name)}
    with psycopg.connect(**told, autocommit=True) as connection:
        connection.execute(f'LISTEN "{wakeups.channel(incarnation)}"')
        yield connection


def heard(listener: psycopg.Connection) -> list[str]:
    """Return what came: a statement's answer comes behind all that was notified before."""
    listener.execute("SELECT 1")
    return [one.payload for one in listener.notifies(timeout=0)]


@on_postgresql
def test_the_insert_notifies_agents_of_other_hosts(listener: psycopg.Connection) -> None:
    offload.submit(TOPIC)
    assert heard(listener) == [str(LANE)]
    wakeups.wakeups.forget()
    with counted() as sent:
        job = offload.submit(TOPIC)
    assert heard(listener) == [str(LANE)]

    assert len(sent) == 1
    assert row(job.id).state == JobState.PENDING


@on_postgresql
def test_agents_of_other_hosts_are_not_notified_all_the_time(
    listener: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups.wakeups, "clock", lambda: 1.0)
    with counted() as sent:
        for _ in range(3):
            offload.submit(TOPIC)

    assert len(sent) == 3
    assert heard(listener) == [str(LANE)]


@on_postgresql
def test_agents_of_other_hosts_are_woken_by_the_commit_alone(
    listener: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wakeups.wakeups, "clock", lambda: 1.0)
    with database.atomic():
        for _ in range(3):
            offload.submit(TOPIC)
        assert heard(listener) == []
    assert heard(listener) == [str(LANE)]
    wakeups.wakeups.forget()
    with database.atomic():
        offload.submit(TOPIC)
        transaction.set_rollback(True, using=database.alias())
    assert heard(listener) == []


@on_postgresql
def test_behind_a_pooler_nobody_is_notified(listener: psycopg.Connection, broker: Broker) -> None:
    settings_dict = database.connection().settings_dict
    settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = True
    try:
        assert wakeups.ways() == "local"
        job = offload.submit(TOPIC)
    finally:
        settings_dict["DISABLE_SERVER_SIDE_CURSORS"] = False

    assert heard(listener) == []
    assert row(job.id).state == JobState.QUEUED
    assert [one["id"] for one in broker.sent_to()] == [job.id]
    assert Instance.objects.get(pk=HERE).facts["wakeups"] == "notify"
