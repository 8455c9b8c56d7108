"""Jobs go to the instances that they prefer while those have room, and then to the others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

import offload
from offload.core.exceptions import InvalidPreference, InvalidQueue
from offload.core.matching.preferences import Preferences
from offload.dispatch import dispatching
from offload.models import Exclusion, Instance, Job, Queue
from offload.queues import declared, policies
from tests.integration.world import (
    HERE,
    TASK,
    THERE,
    TOPIC,
    Broker,
    join,
    statements,
    states,
    waiting,
)

FAST = [({"gpu": True}, 5)]
SLOW = [({"gpu": True}, -5)]


@pytest.fixture
def boots(broker: Broker) -> dict[str, str]:
    """Let two instances be here, of which the second is fast; return their incarnations."""
    found = {HERE: join(HERE), THERE: join(THERE, facts={"gpu": True}, labels=["shared"])}
    Instance.objects.update(window=4)
    return found


def held() -> tuple[int, int]:
    """Return how many jobs each of the two holds."""
    names = list(Job.objects.bound().values_list("instance", flat=True))
    return names.count(HERE), names.count(THERE)


@pytest.mark.usefixtures("boots")
@pytest.mark.parametrize(("asked", "name"), [(FAST, THERE), (SLOW, HERE)])
def test_a_submitted_job_goes_to_the_highest_score(asked: Any, name: str) -> None:
    assert offload.submit(TOPIC, prefers=asked).row.instance == name


@pytest.mark.usefixtures("boots")
def test_an_agent_takes_only_what_preferred_ones_have_no_room_for() -> None:
    waiting(3, prefers=Preferences.of(FAST))
    assert dispatching.refill(HERE) == 0

    waiting(3, prefers=Preferences.of(FAST))
    assert dispatching.refill(HERE) == 2
    assert dispatching.refill(THERE) == 4
    assert held() == (2, 4)


@pytest.mark.usefixtures("boots")
def test_a_sweep_leaves_nothing_waiting_while_anybody_has_room() -> None:
    waiting(9, prefers=Preferences.of(FAST))

    dispatching.sweep()

    assert held() == (4, 4)


def test_what_the_preferred_one_refused_runs_at_the_other(boots: dict[str, str]) -> None:
    refused, other = waiting(2, prefers=Preferences.of(FAST))
    Exclusion.objects.create(
        job_id=refused, incarnation=boots[THERE], until=timezone.now() + timedelta(hours=1)
    )

    for _ in range(2):
        dispatching.sweep()

    assert states([refused, other]) == ["QUEUED"] * 2
    assert Job.objects.get(pk=refused).instance == HERE


@pytest.mark.usefixtures("boots")
def test_only_jobs_with_preferences_ask_for_the_loads_of_all() -> None:
    waiting(1)
    with statements() as plain:
        dispatching.refill(HERE)
    waiting(1, prefers=Preferences.of([({"gpu": False}, 1)]))
    with statements() as preferring:
        dispatching.refill(HERE)

    assert len(preferring) == len(plain) + 1


@pytest.mark.usefixtures("boots")
def test_scores_are_explained() -> None:
    job = offload.submit(TOPIC, delay=600, prefers=[*FAST, ({"labels": ["shared"]}, -2)])

    found = offload.explain(job)

    facts = found.as_dict()
    assert facts["prefers"] == [[{"gpu": True}, 5], [{"labels": ["shared"]}, -2]]
    scores = {one.instance: (one.score, len(one.preferences)) for one in found.verdicts}
    assert scores == {HERE: (0, 0), THERE: (3, 2)}
    assert found.instance == THERE


@pytest.mark.usefixtures("boots")
def test_a_property_that_no_instance_announces_is_named_and_the_job_runs() -> None:
    job = offload.submit(TOPIC, prefers=[({"gpus": {">=": 1}}, 1)])

    assert job.row.state == "QUEUED"
    hint = "No known instance has a property gpus. Did you mean 'gpu'?"
    assert offload.explain(job).hint == hint


def test_a_repetition_of_a_job_prefers_the_same(boots: dict[str, str]) -> None:
    job = offload.submit(TOPIC, prefers=FAST, requires={"gpu": True})
    offload.stop(job.id)

    again = offload.retry(job.id)

    assert again.row.lane == job.row.lane
    assert offload.explain(again).prefers.given == [[{"gpu": True}, 5]]


@pytest.mark.parametrize("asked", ["gpu", [({"gpu": True}, "much")], [({"gpu": {"=>": 1}}, 1)]])
def test_what_is_no_preference_stores_nothing(asked: Any) -> None:
    with pytest.raises(InvalidPreference):
        offload.submit(TOPIC, prefers=asked)
    with pytest.raises(InvalidPreference):
        offload.submit_many(TOPIC, [{}], prefers=asked)
    with pytest.raises(InvalidQueue, match="invalid"):
        policies.add("fast", [TOPIC], prefers=asked)
    assert (Job.objects.count(), Queue.objects.count()) == (0, 0)


@pytest.mark.usefixtures("boots")
def test_the_preferences_of_a_queue_add_to_those_of_its_jobs_at_once() -> None:
    ids = waiting(2, queue="fast", prefers=Preferences.of([({"labels": ["shared"]}, -2)]))
    policies.add("fast", [TOPIC], prefers=FAST)

    assert dispatching.refill(HERE) == 0
    assert dispatching.refill(THERE) == 2

    assert states(ids) == ["QUEUED"] * 2
    assert offload.explain(TOPIC).prefers.given == [[{"gpu": True}, 5]]
    scores = {one.instance: one.score for one in offload.explain(UUID(ids[0])).verdicts}
    assert scores == {HERE: 0, THERE: 3}


@pytest.mark.usefixtures("boots")
def test_a_queue_whose_preferences_cannot_be_read_runs_its_jobs() -> None:
    Queue.objects.create(name="odd", topics=[TOPIC], prefers="gpu")

    assert offload.submit(TOPIC).row.state == "QUEUED"


@pytest.mark.usefixtures("boots")
def test_a_queue_that_the_settings_declare_may_prefer(settings: Any) -> None:
    queues = {"fast": {"topics": [TOPIC], "prefers": FAST}}
    settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": queues}
    declared.sync(remove=False)

    assert declared.difference() == declared.Difference()
    assert offload.submit(TOPIC).row.instance == THERE


@pytest.mark.usefixtures("boots")
@pytest.mark.parametrize("limit", [{"max_parallel": 2}, {"key": "tenant", "max_per_key": 2}])
def test_limits_of_a_queue_count_in_what_is_left_to_the_preferred(limit: dict[str, Any]) -> None:
    policies.add("fast", [TOPIC], prefers=FAST, **limit)
    waiting(3, queue="fast", key="acme")

    assert dispatching.refill(HERE) == 0
    assert dispatching.refill(THERE) == 2
    assert held() == (0, 2)


@pytest.mark.usefixtures("broker")
def test_the_consumer_may_prefer_as_well_and_all_weights_add_up() -> None:
    choosy = [{"pattern": "dam/**", "task": TASK, "prefers": [[{"gpu": True}, 5]]}]
    join(HERE, consumers=choosy), join(THERE, consumers=choosy, facts={"gpu": True})

    assert [offload.submit(TOPIC).row.instance for _ in range(2)] == [THERE, THERE]
    assert offload.submit(TOPIC, prefers=[({"gpu": True}, -6)]).row.instance == HERE
    assert offload.explain(TOPIC).prefers.given == [[{"gpu": True}, 5]]
    assert offload.explain("audio/mix").prefers.given == []
    no_pairs: Any = [5]
    with pytest.raises(InvalidPreference, match="no pair"):
        offload.consumer("dam/fast", prefers=no_pairs)
