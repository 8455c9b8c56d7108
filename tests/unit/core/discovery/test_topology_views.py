from __future__ import annotations

from dataclasses import replace

import pytest

from offload.core.discovery.differences import difference
from offload.core.discovery.events import TopologyEvent, TopologyEventKind
from offload.core.discovery.topology_views import TopologyView
from offload.core.placement.topology import Mode
from tests.unit.core.discovery.views import one, view
from tests.unit.core.placement.fleet import consumer, instance, topology

LEAD, GPU = one("lead@a", is_leader=True), one("gpu@b", labels=frozenset({"gpu"}))


def test_a_view_has_what_lives_in_the_order_of_joining_with_leader_and_local_instance() -> None:
    seen = TopologyView.of(
        topology(
            instance("late@a", joined=3, consumers=(consumer("dam/**"), consumer("mail/*"))),
            instance("gone@a", joined=2, mode=Mode.GONE),
            instance("first@a", joined=1, is_leader=True, properties={"cpus": 8}),
            version=7,
        ),
        local="late@a",
    )

    assert [each.name for each in seen.instances] == ["first@a", "late@a"]
    assert seen.version == 7
    assert (seen.leader, seen.local) == seen.instances
    assert seen.instances[0].properties == {"cpus": 8}
    assert seen.instances[1].patterns == ("dam/**", "mail/*")
    assert seen.instance("late@a") is seen.local
    assert seen.instance("gone@a") is None
    assert seen.find(lambda each: each.is_leader) == (seen.leader,)


def test_a_view_has_its_instances_by_cluster_each_with_its_leader() -> None:
    far, late = (
        replace(one(name), cluster="far", is_leader=leads)
        for name, leads in (("far@c", True), ("late@c", False))
    )

    home, other = view(LEAD, far, GPU, late).clusters

    assert (home.name, home.instances, home.leader) == ("home", (LEAD, GPU), LEAD)
    assert (other.name, other.instances, other.leader) == ("far", (far, late), far)


def test_other_clusters_lead_nothing_here_and_silent_ones_have_no_instances() -> None:
    far = {"cluster": "far", "peer": "far"}
    remote = (
        instance("far/lead@c", is_leader=True, **far),
        instance("mute/lead@d", cluster="mute", peer="mute", is_silent=True),
    )
    seen = TopologyView.of(replace(topology(instance("late@a")), remote=remote))

    assert [one.name for one in seen.instances] == ["late@a", "far/lead@c"]
    assert seen.leader is None
    assert not seen.is_established
    assert [one.name for one in seen.own] == ["late@a"]
    assert [(one.name, one.is_remote, one.is_silent) for one in seen.clusters] == [
        (seen.own[0].cluster, False, False),
        ("far", True, False),
        ("mute", True, True),
    ]
    assert seen.clusters[1].leader is seen.instances[1]


def test_what_a_view_says_of_a_machine_cannot_be_changed() -> None:
    [seen] = TopologyView.of(topology(instance(properties={"cpus": 8}))).instances

    with pytest.raises(TypeError):
        seen.properties["cpus"] = 9  # type: ignore[index]


def test_views_are_equal_whatever_the_version_and_hash_alike() -> None:
    first, second = (
        TopologyView.of(topology(instance(properties={"cpus": 8}), version=version))
        for version in (1, 2)
    )

    assert first == second
    assert hash(first) == hash(second)
    assert first != TopologyView.of(topology(instance(properties={"cpus": 9})))


def test_a_view_that_is_not_current_is_never_current_again() -> None:
    seen = view(LEAD)
    told = [seen.is_current]
    for _ in range(2):
        seen.retire()
        told.append(seen.is_current)

    assert told == [True, False, False]
    assert seen == view(LEAD), "it is no part of what the view says"


@pytest.mark.parametrize(
    ("seen", "is_established"),
    [
        (view(), True),
        (view(LEAD), True),
        (view(GPU), False),
        (view(LEAD, local="gpu@b"), False),
        (view(LEAD, one("gpu@b", is_local=True), local="gpu@b"), True),
    ],
)
def test_a_view_is_established_with_a_leader_and_the_own_instance(
    seen: TopologyView, is_established: bool
) -> None:
    assert seen.is_established is is_established


def test_a_difference_tells_what_came_went_stayed_and_changed() -> None:
    old = view(LEAD, GPU, one("old@c"), one("again@d"))
    drained = one("gpu@b", labels=frozenset({"gpu"}), mode=Mode.DRAINING)
    new = view(LEAD, drained, one("again@d", "2"), one("new@e", labels=frozenset({"gpu"})))

    found = difference(old, new)

    assert [each.key for each in found.added] == [("again@d", "2"), ("new@e", "1")]
    assert [each.key for each in found.removed] == [("old@c", "1"), ("again@d", "1")]
    assert found.retained == (LEAD, drained)
    assert found.changed == (drained,)
    assert found


def test_a_difference_can_be_narrowed_down() -> None:
    old = view(LEAD, GPU)
    new = view(LEAD, one("new@e", labels=frozenset({"gpu"})), one("cpu@f"))

    found = difference(old, new).only(lambda each: "gpu" in each.labels)

    assert [each.name for each in found.added] == ["new@e"]
    assert [each.name for each in found.removed] == ["gpu@b"]
    assert found.retained == ()
    assert not difference(old, view(LEAD, GPU)).only(lambda each: each.is_leader)


def test_another_leader_changes_no_instance() -> None:
    found = difference(view(LEAD, one("b@b")), view(one("lead@a"), one("b@b", is_leader=True)))

    assert not found
    assert len(found.retained) == 2


@pytest.mark.parametrize(
    ("event", "added", "removed"),
    [
        (TopologyEvent(kind=TopologyEventKind.INIT, new=view(LEAD)), (LEAD,), ()),
        (TopologyEvent(kind=TopologyEventKind.CHANGING, old=view(LEAD)), (), ()),
        (
            TopologyEvent(kind=TopologyEventKind.CHANGED, old=view(LEAD), new=view(GPU)),
            (GPU,),
            (LEAD,),
        ),
    ],
)
def test_an_event_tells_the_difference_of_its_views(
    event: TopologyEvent, added: tuple[object, ...], removed: tuple[object, ...]
) -> None:
    assert (event.difference.added, event.difference.removed) == (added, removed)
