"""The page of instances as a value made of facts."""

from __future__ import annotations

import pytest

from offload.browser.fleet import Beat, Fleet, build
from offload.browser.live import version_of
from offload.core.topology import Mode
from offload.engine.counts import Counts
from tests.unit.browser.test_matrix import HERE, THERE, facts, line
from tests.unit.core.fleet import consumer, instance


def page(beat_age: float) -> Fleet:
    """Return the page of one instance that gave its last sign of life so long ago."""
    return build(facts(instance(), lines={HERE: line(beat_age=beat_age)}), heartbeat=3.0)


def test_those_that_are_gone_come_last_and_beat_no_more() -> None:
    gone = instance(THERE, mode=Mode.GONE, joined=0)
    lines = {HERE: line(), THERE: line(gone_because="goodbye")}

    found = build(facts(gone, instance(joined=5), lines=lines), heartbeat=3.0)

    assert [one.name for one in found.members] == [HERE, THERE]
    assert found.members[1].beat is None
    assert found.members[1].gone_because == "goodbye"
    assert (found.ready, found.live) == (1, 1)


def test_an_instance_shows_what_it_holds_and_consumes() -> None:
    counts = Counts(queued={(HERE, "a"): 2}, active={(HERE, "a"): 1, (THERE, "a"): 5})
    busy = instance(consumers=(consumer("b"), consumer("a/*")), labels=frozenset({"gpu", "big"}))

    member = build(facts(busy, counts=counts), heartbeat=3.0).members[0]

    assert (member.running, member.concurrency) == (1, 2)
    assert (member.bound, member.window) == (3, 4)
    assert member.topics == ("a/*", "b")
    assert member.labels == ("big", "gpu")


@pytest.mark.parametrize(
    ("age", "expected"),
    [
        (0.0, Beat(seconds=3, is_late=False)),
        (2.9, Beat(seconds=3, is_late=False)),
        (3.1, Beat(seconds=6, is_late=False)),
        (6.1, Beat(seconds=9, is_late=True)),
        (40.0, Beat(seconds=42, is_late=True)),
    ],
)
def test_a_beat_is_late_after_two_heartbeats(age: float, expected: Beat) -> None:
    assert page(age).members[0].beat == expected


def test_a_healthy_instance_leaves_the_page_as_it_is() -> None:
    assert version_of(page(0.2)) == version_of(page(2.8))


def test_one_that_is_off_is_not_ready() -> None:
    assert build(facts(instance(is_off=True)), heartbeat=3.0).ready == 0
