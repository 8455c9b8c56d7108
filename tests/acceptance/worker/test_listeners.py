"""Listeners in the agents of real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.site.journal import Event, events
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet, Worker

LISTENING = {"ACCEPTANCE_LISTEN": "1", "ACCEPTANCE_OFFLOAD": '{"TOPOLOGY_DELAY": 0.5}'}


def heard(worker: Worker, pattern: str) -> list[Event]:
    """Return the ends of changes in which some came and some went, as an agent heard them."""
    told = events(pattern, "CHANGED")
    return [one for one in told if one.instance == worker.name]


@pytest.mark.everywhere
def test_the_agent_of_a_worker_hears_others_join_leave_and_die(fleet: Fleet) -> None:
    fleet.need()
    ear = fleet.start("ear", variables=LISTENING)
    eventually(lambda: events(what="INIT"), what="the first view")

    guest = fleet.start("guest")
    eventually(lambda: heard(ear, f"{guest.name} | "), what="that a worker joined")
    guest.kill()
    eventually(lambda: heard(ear, f" | {guest.name}"), what="that it died")
    ear.agent.kill()
    eventually(lambda: len(events(what="INIT")) == 2, what="the first view of a new agent")

    kinds = [one.what for one in events() if one.what != "PROPERTIES_CHANGED"]
    assert kinds == ["INIT", *["CHANGING", "CHANGED"] * 2, "INIT"]
    assert {one.pid for one in events()}.isdisjoint({ear.process.pid})
    assert {one.instance for one in events()} == {ear.name}
