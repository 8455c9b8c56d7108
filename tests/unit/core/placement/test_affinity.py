"""Affinities after a loss: their words in lanes, who may run the job, and what comes of a loss."""

from __future__ import annotations

import pytest

from offload.core.exceptions import InvalidPlacement
from offload.core.matching.rescue import Rescue
from offload.core.placement.affinity import Affinity, Avoidance, Beside, Return, after_loss
from offload.core.placement.lanes import Lane
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import Need, Route, plan, route
from offload.core.placement.topology import Mode
from tests.unit.core.placement.fleet import NOW, instance, topology

TOPIC = "a/b"
A, B = "gpu@host1", "gpu@host2"
WAITS = Return(instance=A, until=1_750_000_000)
ENDS = Return(instance="render/a,b @x", until=1_750_000_000, ends=True)
NEXT = Beside(job="an id:of, any|kind", seconds=2.5)
AWAY = Avoidance(names=(A, "odd, name|x@y"))


@pytest.mark.parametrize("kept", [WAITS, ENDS, AWAY, NEXT, Affinity(instance=A, seconds=5)])
def test_a_lane_keeps_where_its_jobs_were_lost(kept: Affinity) -> None:
    lane = Lane(topic=TOPIC, needs="limit kill", affinity=kept)

    assert Lane.parse(str(lane)) == lane
    assert Lane.parse(str(lane)).affinity == kept


@pytest.mark.parametrize("text", ["back=", "back=x:name", "back=12", "back=!:name", "beside=2"])
def test_what_is_no_affinity_is_an_ordinary_word(text: str) -> None:
    assert Affinity.parse(text) is None


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        (Rescue.ANYWHERE, None, None),
        (Rescue.SAME, None, Return(instance=A, until=9)),
        (Rescue.SAME_OR_ERROR, AWAY, Return(instance=A, until=9, ends=True)),
        (Rescue.ELSEWHERE, None, Avoidance(names=(A,))),
        (Rescue.ELSEWHERE, Affinity(instance=A, seconds=5), Avoidance(names=(A,))),
        (Rescue.ELSEWHERE, Avoidance(names=(A, B)), Avoidance(names=(B, A))),
        (Rescue.ELSEWHERE, Avoidance(names=("1", "2", "3")), Avoidance(names=("2", "3", A))),
        (Rescue.ELSEWHERE, Affinity(instance=A), Affinity(instance=A)),
        (Rescue.SAME, Affinity(instance=B), Affinity(instance=B)),
    ],
)
def test_a_loss_says_where_the_job_runs_again(
    where: Rescue, before: Affinity | None, after: Affinity | None
) -> None:
    assert after_loss(where, A, before, until=9) == after


def able(kept: Affinity, **modes: Mode) -> list[str]:
    """Return which of two instances can run a job."""
    here = [instance(name, mode=modes.get(key, Mode.READY)) for key, name in (("a", A), ("b", B))]
    planned = plan(Need(topic=TOPIC, affinity=kept), topology(*here), NOW)
    return [one.instance.name for one in planned.candidates]


def test_a_job_keeps_away_from_where_it_was_lost_while_another_can_run_it() -> None:
    kept = Avoidance(names=(A,))

    assert able(kept) == [B]
    assert able(kept, b=Mode.STARTING) == []
    assert able(kept, b=Mode.GONE) == [A]
    assert able(Avoidance(names=(A, B))) == [A, B]
    judged = plan(Need(topic=TOPIC, affinity=kept), topology(instance(A), instance(B)), NOW)
    [reason] = [one.reason for one in judged.verdicts if one.reason]
    assert (reason.obstacle, A in reason.detail) == (Obstacle.LOST_THERE, True)


def test_a_full_other_instance_counts_as_one_that_can() -> None:
    two = topology(instance(A), instance(B))
    found = route(Need(topic=TOPIC, affinity=Avoidance(names=(A,))), two, {B: 4}, now=NOW)

    assert not isinstance(found, Route)


def test_a_job_waits_for_the_instance_that_lost_it() -> None:
    assert able(WAITS) == [A]
    assert able(WAITS, a=Mode.GONE) == []
    assert WAITS.reason(B).obstacle is Obstacle.AWAITS_RETURN
    assert "until 2025-06-15 15:06:40 UTC; then any may run it." in WAITS.reason(B).detail
    assert "then it ends." in ENDS.reason(B).detail


@pytest.mark.parametrize("word", ["here", 3, None, ["same"]])
def test_a_word_that_is_no_rescue_is_refused(word: object) -> None:
    with pytest.raises(InvalidPlacement, match=r"rescue is invalid: .* is none of anywhere"):
        Rescue.checked(word)
