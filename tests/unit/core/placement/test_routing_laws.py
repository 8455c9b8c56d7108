from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from offload.core.placement.judgement import Need, alive, allowed, capable, consumer_for, fits
from offload.core.placement.routing import Loads, Route, Unroutable, route, verdicts
from tests.unit.core.placement.fleet import (
    NAMES,
    NOW,
    instances,
    loads,
    needs,
    topologies,
    topology,
)

if TYPE_CHECKING:
    from offload.core.placement.topology import InstanceInfo, Topology

# A topology of a version that no test has used is one that nothing remembers.
UNSEEN_VERSIONS = count(1000)

MOMENTS = st.integers(-3, 3).map(lambda hours: NOW + timedelta(hours=hours))


def told(decision: Route | Unroutable) -> tuple[object, ...]:
    if isinstance(decision, Unroutable):
        return decision.verdicts
    return decision.candidates, decision.reasons, decision.has_choice


@given(needs(), topologies(), loads(), MOMENTS)
def test_route_chooses_exactly_among_those_without_an_obstacle(
    need: Need, picture: Topology, load: dict[str, int], now: datetime
) -> None:
    decision = route(need, picture, load, now=now)
    able = {each.instance for each in verdicts(need, picture, load, now) if each.can_run}

    if isinstance(decision, Unroutable):
        assert not able
    else:
        assert set(decision.candidates) == able
        assert len(decision.candidates) == len(able)
        assert decision.instance == decision.candidates[0]
        chosen = picture.instance(decision.instance)
        assert chosen is not None
        assert decision.queue == chosen.queue
        found = consumer_for(chosen, need.topic)
        assert found is not None
        assert decision.task == found.task


@given(needs(), topologies(), loads(), MOMENTS)
def test_a_verdict_is_the_first_obstacle_of_the_steps(
    need: Need, picture: Topology, load: dict[str, int], now: datetime
) -> None:
    for one, verdict in zip(picture.instances, verdicts(need, picture, load, now), strict=True):
        in_force = [each for each in picture.rules if each.in_force(now) and each.applies_to(one)]
        found = (
            capable(need, one, consumer_for(one, need.topic))
            or allowed(need, one, in_force)
            or alive(one)
            or fits(need, one, load.get(one.name, 0))
        )
        assert verdict.reason == found


@given(needs(), topologies(), loads())
def test_every_unroutable_names_a_reason_for_every_instance(
    need: Need, picture: Topology, load: dict[str, int]
) -> None:
    decision = route(need, picture, load, now=NOW)

    if isinstance(decision, Unroutable):
        assert [each.instance for each in decision.verdicts] == [
            one.name for one in picture.instances
        ]
        assert all(each.reason and each.reason.detail for each in decision.verdicts)
        assert decision.reason.endswith(".")


@given(needs(), topologies(), loads(), instances("newcomer@host9"))
def test_a_newcomer_changes_no_verdict_of_another(
    need: Need, picture: Topology, load: dict[str, int], newcomer: InstanceInfo
) -> None:
    grown = topology(newcomer, *picture.instances, rules=picture.rules, version=2)

    assert verdicts(need, grown, load, NOW)[1:] == verdicts(need, picture, load, NOW)


@given(needs(), topologies(), loads(), st.lists(MOMENTS, min_size=2, max_size=5))
def test_what_is_remembered_equals_what_is_computed_anew(
    need: Need, picture: Topology, load: dict[str, int], moments: list[datetime]
) -> None:
    # All topologies here have one version, and time goes back and forth over ends of rules.
    remembered = [route(need, picture, load, now=now) for now in moments]

    for now, decision in zip(moments, remembered, strict=True):
        unseen = replace(picture, version=next(UNSEEN_VERSIONS))
        anew = route(need, unseen, load, now=now)
        assert anew == decision
        assert told(anew) == told(decision)


@given(needs(), topologies(), loads(), st.lists(st.sampled_from((*NAMES, "unknown@x"))))
def test_loads_that_grow_decide_as_those_that_are_counted_anew(
    need: Need, picture: Topology, load: dict[str, int], bound: list[str]
) -> None:
    kept = Loads(load)
    for name in bound:
        before = route(need, picture, kept, now=NOW)
        kept = kept.plus(name, 1)
        anew = route(need, picture, dict(kept), now=NOW)
        assert route(need, picture, kept, now=NOW) == anew
        assert told(route(need, picture, kept, now=NOW)) == told(anew)
        assert told(before) == told(route(need, picture, dict(before.loads), now=NOW))
