"""The gate before the pool: what is asked for, begun, taken back, and kept until it is written."""

from __future__ import annotations

import math

import pytest

from offload.worker.end_rate import AHEAD_SECONDS, CALM_PER_SECOND, MEMORY_SECONDS, EndRate
from offload.worker.group_messages import GRANT, ToParent
from offload.worker.parent.gate import ENDS_MAX, WITHDRAW_SECONDS
from tests.clocks import Clock
from tests.unit.worker.parent.gate_scene import Request, Scene


@pytest.fixture
def scene() -> Scene:
    """Return a gate with two processes behind it."""
    return Scene()


def test_nothing_begins_before_it_is_granted(scene: Scene) -> None:
    scene.arrive("one")
    assert ([key.job_id for key in scene.line.asked], scene.begun) == (["one"], [])

    scene.grant(scene.line.asked)
    assert scene.begun == ["one"]


def test_one_group_at_a_time_is_asked_for_and_the_next_holds_what_came_meanwhile(
    scene: Scene,
) -> None:
    for name in ("one", "two", "three"):
        scene.arrive(name)
    first = scene.line.asked
    assert [key.job_id for key in first] == ["one"]

    scene.grant(first)
    assert [key.job_id for key in scene.line.asked] == ["two"]


def test_no_more_is_asked_for_than_processes_are_free(scene: Scene) -> None:
    requests = [scene.arrive(f"job-{number}") for number in range(5)]
    scene.grant(scene.line.asked)
    scene.grant(scene.line.asked)
    count = len(scene.line.said)

    assert scene.begun == ["job-0", "job-1"]
    assert all(not said.asked for said in scene.line.said[count:])

    scene.succeed(requests[0])
    assert [key.job_id for key in scene.line.asked] == ["job-2"]


def test_requests_of_plain_tasks_take_processes_too(scene: Scene) -> None:
    scene.here += [Request(scene.in_flight, ("plain", 0)), Request(scene.in_flight, ("plain", 1))]
    scene.arrive("one")

    assert scene.line.said == []


def test_the_pace_is_that_of_the_last_seconds() -> None:
    clock = Clock()
    pace = EndRate(clock)
    for _ in range(2000):
        clock.go_on(0.002)
        pace.count()
    assert 450 <= pace.per_second <= 550

    clock.go_on(10)
    assert pace.per_second < 1


def test_runs_that_are_short_are_claimed_ahead_and_long_ones_are_not(scene: Scene) -> None:
    scene.gate.pace.count(math.ceil(3 * MEMORY_SECONDS / AHEAD_SECONDS))
    for number in range(9):
        scene.arrive(f"job-{number}")
    scene.grant(scene.line.asked)
    assert len(scene.line.asked) == 4

    count = len(scene.line.said)
    scene.clock.go_on(60)
    scene.grant(scene.line.asked)
    assert scene.begun == ["job-0", "job-1"]
    assert len(scene.line.said) == count


def test_a_claim_that_waits_too_long_for_a_process_is_undone(scene: Scene) -> None:
    one, two, three = (scene.arrive(name) for name in ("one", "two", "three"))
    scene.grant(scene.line.asked)
    scene.grant(scene.line.asked)
    for _ in range(200):
        scene.gate.pace.count()
    scene.gate.step()
    scene.grant(scene.line.asked)
    assert scene.begun == ["one", "two"]

    scene.clock.now += WITHDRAW_SECONDS
    scene.gate.step()

    assert [key.job_id for key in scene.line.said[-1].withdrawn] == ["three"]
    assert three.dismissed
    assert (one.dismissed, two.dismissed) == ("", "")


def test_an_end_is_kept_and_celery_told_of_it_once_the_agent_has_it(scene: Scene) -> None:
    request = scene.arrive("one")
    scene.grant(scene.line.asked)
    key = scene.succeed(request)
    assert scene.line.said[-1].ends[0].key == key
    assert scene.told == []

    scene.gate._hear(ToParent(ended=[key]))
    scene.gate._hear(ToParent(ended=[key]))

    assert scene.told == ["one"]


def test_another_agent_is_asked_again_by_the_same_tokens_and_gets_all_ends(scene: Scene) -> None:
    first, _ = scene.arrive("one"), scene.arrive("two")
    scene.grant(scene.line.asked)
    asked = scene.line.asked
    key = scene.succeed(first)

    scene.line.is_new = True
    scene.gate.step()

    assert scene.line.asked == asked
    assert [end.key for end in scene.line.said[-1].ends] == [key]


def test_a_grant_that_nobody_waits_for_any_more_is_undone(scene: Scene) -> None:
    request = scene.arrive("one")
    asked = scene.line.asked
    scene.gate.stop()
    assert request.dismissed

    scene.grant(asked)

    assert scene.begun == []
    assert scene.line.said[-1].withdrawn == asked


def test_a_refused_delivery_is_dismissed_with_its_reason(scene: Scene) -> None:
    request = scene.arrive("one")

    scene.gate._hear(ToParent(refused={scene.line.asked[0]: "the job is STOPPED"}))

    assert (request.dismissed, scene.begun) == ("the job is STOPPED", [])


def test_a_job_whose_process_dies_before_it_begins_is_undone(scene: Scene) -> None:
    request = scene.arrive("one")
    keys = scene.line.asked
    scene.grant(keys)

    assert scene.gate.undo(request, "its process died")
    assert not scene.gate.undo(request, "its process died")
    assert scene.line.said[-1].withdrawn == keys


def test_nothing_new_begins_while_the_agent_has_too_many_ends_to_write() -> None:
    scene = Scene(concurrency=ENDS_MAX + 1)
    for number in range(ENDS_MAX):
        request = scene.arrive(f"job-{number}")
        scene.grant(scene.line.asked)
        scene.succeed(request)

    scene.arrive("one more")

    assert all(not said.asked or said.asked[0].key.job_id != "one more" for said in scene.line.said)
    assert "one more" not in scene.begun


def test_ends_are_sent_at_once_when_there_is_no_event_loop_any_more(scene: Scene) -> None:
    request = scene.arrive("one")
    scene.grant(scene.line.asked)
    scene.gate.stop()

    key = scene.succeed(request)

    assert [end.key for end in scene.line.said[-1].ends] == [key]
    assert not scene.gate.is_open


def test_a_claim_is_undone_again_by_the_next_agent_until_one_says_so(scene: Scene) -> None:
    scene.arrive("one")
    keys = scene.line.asked
    scene.gate.stop()
    assert scene.line.said[-1].withdrawn == keys
    assert scene.in_flight.ending == {("one", 1)}

    scene.line.is_new = True
    scene.gate.step()
    assert scene.line.said[-1].withdrawn == keys

    scene.gate._hear(ToParent(undone=keys))
    assert scene.in_flight.ending == set()
    scene.line.is_new = True
    count = len(scene.line.said)
    scene.gate.step()
    assert len(scene.line.said) == count


def test_one_job_after_the_other_begins_at_once_and_is_claimed_by_its_process() -> None:
    scene = Scene(calm_below=CALM_PER_SECOND)
    one, two = scene.arrive("one"), scene.arrive("two")
    assert (scene.begun, scene.line.said) == (["one", "two"], [])
    assert GRANT not in one.request_dict

    scene.arrive("three")
    assert scene.line.said == []

    scene.here.remove(two)
    scene.in_flight.end(two.job_key, two)
    scene.gate.soon()
    assert [key.job_id for key in scene.line.asked] == ["three"]
    assert not scene.gate.undo(one, "its process died: its claim, if any, is its own")


def test_many_ends_make_jobs_wait_for_the_agent() -> None:
    scene = Scene(calm_below=CALM_PER_SECOND)
    scene.gate.pace.count(math.ceil(CALM_PER_SECOND * MEMORY_SECONDS))

    scene.arrive("one")

    assert (scene.begun, [key.job_id for key in scene.line.asked]) == ([], ["one"])
