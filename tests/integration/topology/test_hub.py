"""Who listens in a process: while it serves, in an agent, and after a fork."""

from __future__ import annotations

import os

import pytest

from offload.db import database
from offload.fleet import membership
from offload.models import Instance
from offload.topology import TopologyEvent, declarations, hub, listen
from offload.worker.parent import start_refusals
from tests.integration.topology.listeners import (
    CHANGED,
    CHANGING,
    INIT,
    STARTED,
    Heard,
    attend,
    lead,
    threads,
)
from tests.integration.world import THERE, join
from tests.polling import eventually

pytestmark = pytest.mark.usefixtures("brisk")


def test_nothing_runs_before_the_first_listener_and_after_the_last() -> None:
    lead()
    assert threads() == []
    declarations.listener(heard := Heard())
    assert threads() == [], "it is only noted"

    with listen(heard), listen(other := Heard()):
        heard.expect(INIT)
        other.expect(INIT)
        assert sorted(threads()) == ["topology-listener", "topology-listener", "topology-watcher"]
    eventually(lambda: not threads())

    with listen(again := Heard()):
        again.expect(INIT)


def test_an_agent_calls_what_was_declared_and_knows_its_own_instance() -> None:
    here = lead()
    join(THERE)
    heard = Heard()
    declarations.listener(heard)
    declarations.listener(heard)

    STARTED.extend(hub.listen_for(THERE))
    assert len(STARTED) == 1

    event = heard.expect(INIT)
    assert event.new is not None
    assert event.new.local is event.new.instance(THERE)
    membership.declare_gone(THERE, event.new.local.incarnation, beat=0, reason="silent")  # type: ignore[union-attr]
    heard.expect(INIT, CHANGING)
    join(THERE)
    event = heard.expect(INIT, CHANGING, CHANGED)
    assert event.new is not None
    assert event.new.leader is not None
    assert event.new.leader.incarnation == here


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_process_does_not_listen() -> None:
    lead()
    attend(heard := Heard())
    heard.expect(INIT)
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, b"1" if hub.is_watching() else b"0")
        os._exit(0)
    os.waitpid(child, 0)

    assert os.read(reading, 1) == b"0"
    assert hub.is_watching()
    for descriptor in (reading, writing):
        os.close(descriptor)


def test_a_worker_whose_parent_listens_does_not_start(caplog: pytest.LogCaptureFixture) -> None:
    start_refusals.refuse_listeners()
    with listen(Heard()), pytest.raises(SystemExit):
        start_refusals.refuse_listeners()

    assert "declare the function with @offload.topology.listener" in caplog.messages[0]


def test_what_a_listener_asked_the_database_by_is_closed() -> None:
    lead()
    used: list[object] = []

    def ask(_: TopologyEvent) -> None:
        Instance.objects.count()
        used.append(database.connection())

    attend(ask)

    eventually(lambda: used and used[0].connection is None)  # type: ignore[attr-defined]
    assert len(used) == 1
