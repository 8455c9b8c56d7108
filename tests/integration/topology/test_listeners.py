"""Listeners keep neither each other nor the process: those that hang, raise, or come late."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.fleet import leadership, membership
from offload.models import Instance
from tests.integration.topology.listeners import (
    CHANGED,
    CHANGING,
    INIT,
    Heard,
    attend,
    lead,
    threads,
)
from tests.integration.world import HERE, THERE, join
from tests.polling import eventually

if TYPE_CHECKING:
    from offload.topology import TopologyEvent

pytestmark = pytest.mark.usefixtures("brisk")


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
