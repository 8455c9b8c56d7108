"""Queues whose keys or topics take turns, or that have a limit per instance."""

from __future__ import annotations

import pytest

from tests.integration.tracking.binding.narrow import bind_keyed, keyed, narrow
from tests.integration.world import HERE, THERE, join, waiting


@pytest.fixture(autouse=True)
def _instances(app: object) -> None:
    join(HERE, concurrency=4)
    join(THERE, concurrency=4)


def test_keys_take_turns_by_their_weights() -> None:
    narrow(fair=True, weights={"acme": 2})
    acme, other, none = keyed("acme", 150), keyed("other", 3), keyed("", 2)

    assert set(bind_keyed(window=5)) == {none[0], *acme[:2], other[0], none[1]}
    assert bind_keyed(THERE, window=1) == [acme[2]]
    assert set(bind_keyed(THERE, window=4)) == {acme[3], other[1], acme[4]}


def test_one_key_alone_gets_all_the_room() -> None:
    narrow(fair=True)
    ids = keyed("acme", 30)

    assert bind_keyed(window=20) == ids[:20]


def test_keys_take_turns_across_topics() -> None:
    narrow(fair=True)
    acme, other = keyed("acme", 9), keyed("other", 3, topic="dam/meta")

    assert set(bind_keyed(window=4)) == {*acme[:2], *other[:2]}


def test_keys_that_take_turns_may_have_limits_and_an_order() -> None:
    narrow(fair=True, type="ordered_per_key", weights={"a": 3})
    first, second = keyed("a", 3), keyed("b", 3)

    assert bind_keyed() == [first[0], second[0]]


def test_topics_take_turns() -> None:
    narrow(type="topic_round_robin")
    web = waiting(9, queue="narrow")
    meta = waiting(2, queue="narrow", topic="dam/meta")

    assert set(bind_keyed(window=3)) == {meta[0], web[0], meta[1]}
    assert bind_keyed(THERE, window=2) == web[1:3]


@pytest.mark.parametrize(("most", "count"), [(1, 1), (3, 3), (-1, 4), (0.5, 2), (0.1, 1)])
def test_an_instance_has_no_more_jobs_of_the_queue_than_its_limit(most: float, count: int) -> None:
    narrow(max_per_instance=most)
    ids = waiting(20, queue="narrow")

    assert bind_keyed(HERE) == ids[:count]
    assert bind_keyed(HERE) == []
    assert bind_keyed(THERE) == ids[count : 2 * count]
