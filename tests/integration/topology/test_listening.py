"""Listeners hear what the rows of instances say."""

from __future__ import annotations

import logging
import os
import threading
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings as django_settings
from django.db import Error
from django.test import override_settings

from offload.core.placement.topology import Mode
from offload.db import database
from offload.fleet import leadership, membership
from offload.fleet.snapshots import snapshot
from offload.models import Instance
from offload.operations import submission
from offload.topology import TopologyEvent, TopologyEventKind, declarations, hub, listen, watcher
from offload.worker.parent import refusals
from tests.integration.world import HERE, THERE, join
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from offload.topology import Listener

INIT, CHANGING = TopologyEventKind.INIT, TopologyEventKind.CHANGING
CHANGED, PROPERTIES = TopologyEventKind.CHANGED, TopologyEventKind.PROPERTIES_CHANGED

#: Listeners that are stopped after the test.
STARTED: list[Listener] = []


@pytest.fixture(autouse=True)
def _brisk(engine_database: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Look often, let changes be short, and end with no thread that listens."""
    monkeypatch.setattr(declarations, "declared", [])
    monkeypatch.setattr(watcher, "PACE_SECONDS", 0.01)
    given = {**django_settings.OFFLOAD, "TOPOLOGY_AGE": 0, "TOPOLOGY_DELAY": 0.05}
    with override_settings(OFFLOAD={**given, "DATABASE": engine_database}):
        yield
        while STARTED:
            STARTED.pop().stop()
        eventually(lambda: not threads(), what="every thread has ended")


def attend(callback: Callable[[TopologyEvent], object]) -> Listener:
    """Listen until the test ends."""
    STARTED.append(listen(callback))
    return STARTED[-1]


def threads() -> list[str]:
    """Return the names of the threads of this room."""
    return [one.name for one in threading.enumerate() if one.name.startswith("topology-")]


class Heard(list[TopologyEvent]):
    """What a listener was told; it can be kept from returning."""

    def __init__(self) -> None:
        super().__init__()
        self.may_return = threading.Event()
        self.may_return.set()

    def __call__(self, event: TopologyEvent) -> None:
        """Take an event."""
        assert event.old is None or not event.old.is_current
        self.append(event)
        self.may_return.wait(60)

    @property
    def kinds(self) -> list[TopologyEventKind]:
        """Return the kinds of all events."""
        return [event.kind for event in self]

    def expect(self, *kinds: TopologyEventKind) -> TopologyEvent:
        """Wait for the last of these events, and for nothing else; return it."""
        eventually(lambda: len(self) >= len(kinds), what=f"{kinds}, and there are {self.kinds}")
        assert self.kinds == list(kinds)
        return self[-1]


def lead(name: str = HERE, **facts: Any) -> str:
    """Let an instance join and lead; return its incarnation."""
    incarnation = join(name, **facts)
    assert leadership.acquire(name, incarnation)
    return incarnation


def test_a_listener_hears_instances_come_change_and_go() -> None:
    lead(labels=["gpu"], facts={"cpus": 8})
    attend(heard := Heard())
    first = heard.expect(INIT).new
    assert first is not None
    assert [(one.name, one.is_leader) for one in first.instances] == [(HERE, True)]
    assert first.instances[0].properties == {"cpus": 8}
    assert first.instances[0].labels == {"gpu"}

    there = join(THERE)
    event = heard.expect(INIT, CHANGING, CHANGED)
    assert [one.name for one in event.difference.added] == [THERE]
    assert event.old is first

    membership.set_mode(THERE, there, Mode.DRAINING)
    event = heard.expect(INIT, CHANGING, CHANGED, PROPERTIES)
    assert [one.mode for one in event.difference.changed] == [Mode.DRAINING]

    membership.goodbye(THERE, there)
    event = heard.expect(INIT, CHANGING, CHANGED, PROPERTIES, CHANGING, CHANGED)
    assert [one.name for one in event.difference.removed] == [THERE]


def test_a_leader_that_goes_leaves_a_change_that_ends_with_the_next_one() -> None:
    here, there = lead(), join(THERE)
    attend(heard := Heard())
    heard.expect(INIT)

    membership.goodbye(HERE, here)
    heard.expect(INIT, CHANGING)
    assert leadership.acquire(THERE, there)

    event = heard.expect(INIT, CHANGING, CHANGED)
    assert event.new is not None
    assert event.new.leader == event.new.instance(THERE)


def test_what_changes_no_instance_is_no_event() -> None:
    lead()
    attend(heard := Heard())
    heard.expect(INIT)

    submission.submit("dam/web", {})
    Instance.objects.filter(pk=HERE).update(beat=7)
    membership.set_mode(HERE, lead_incarnation(), Mode.DRAINING)

    heard.expect(INIT, PROPERTIES)


def lead_incarnation() -> str:
    """Return the incarnation of the instance here."""
    return str(Instance.objects.get(pk=HERE).incarnation)


def test_a_listener_that_hangs_delays_neither_others_nor_its_own_end() -> None:
    lead()
    hanging = Heard()
    hanging.may_return.clear()
    stuck = attend(hanging)
    hanging.expect(INIT)
    attend(prompt := Heard())
    prompt.expect(INIT)

    join(THERE)
    prompt.expect(INIT, CHANGING, CHANGED)
    attend(late := Heard())
    late.expect(INIT)
    membership.goodbye(THERE, str(Instance.objects.get(pk=THERE).incarnation))
    prompt.expect(INIT, CHANGING, CHANGED, CHANGING, CHANGED)
    assert hanging.kinds == [INIT]

    stuck.stop()
    hanging.may_return.set()
    eventually(lambda: threads().count("topology-listener") == 2)
    assert hanging.kinds == [INIT], "nothing begins after stop()"


def test_a_listener_that_was_slow_gets_the_newest_view_as_one_change() -> None:
    lead()
    slow = Heard()
    slow.may_return.clear()
    attend(slow)
    slow.expect(INIT)
    attend(prompt := Heard())
    prompt.expect(INIT)
    join(THERE)
    prompt.expect(INIT, CHANGING, CHANGED)
    join("third@c")
    prompt.expect(INIT, CHANGING, CHANGED, CHANGING, CHANGED)

    slow.may_return.set()

    event = slow.expect(INIT, CHANGING, CHANGED)
    assert [one.name for one in event.difference.added] == [THERE, "third@c"]


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(1)])
def test_a_listener_that_raises_is_logged_and_hears_on(
    error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    lead()
    heard = Heard()

    def raise_(event: TopologyEvent) -> None:
        heard(event)
        raise error

    attend(raise_)
    heard.expect(INIT)
    join(THERE)
    heard.expect(INIT, CHANGING, CHANGED)

    eventually(lambda: len(caplog.records) >= 3)
    assert "raise_> failed at the event INIT of the topology" in caplog.messages[0]


def test_who_begins_to_listen_hears_after_those_that_wait() -> None:
    here, there = lead(), join(THERE)
    first, second = Heard(), Heard()
    attend(first)
    first.expect(INIT)
    membership.goodbye(HERE, here)
    first.expect(INIT, CHANGING)
    attend(second)

    assert leadership.acquire(THERE, there)

    second.expect(INIT)
    first.expect(INIT, CHANGING, CHANGED)
    assert second[0].new is first[-1].new


def test_an_outage_is_a_change_once_it_lasts(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lead()
    attend(heard := Heard())
    heard.expect(INIT)

    def fail(*, fresh: bool) -> object:
        raise Error("the database is away")

    monkeypatch.setattr("offload.topology.watcher.snapshot", fail)
    eventually(lambda: caplog.messages)
    assert heard.kinds == [INIT], "it may be short"
    with override_settings(OFFLOAD={**django_settings.OFFLOAD, "TIMEOUT": 0.3}):
        heard.expect(INIT, CHANGING)
    monkeypatch.setattr("offload.topology.watcher.snapshot", snapshot)

    heard.expect(INIT, CHANGING, CHANGED)
    told = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert [one.getMessage() for one in told] == [
        "listeners hear nothing of the topology: the database is away"
    ]


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
    refusals.refuse_listeners()
    with listen(Heard()), pytest.raises(SystemExit):
        refusals.refuse_listeners()

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
