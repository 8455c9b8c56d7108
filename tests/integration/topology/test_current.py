"""The current topology in any process: cheap, the same object while unchanged, never torn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.db import transaction
from django.test import override_settings

import offload
from offload.core.placement.topology import Mode
from offload.db import database
from offload.fleet import leadership, membership
from offload.rules import editing
from offload.topology import current, difference, view
from tests.integration.beside import together
from tests.integration.world import HERE, THERE, join, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.topology import TopologyView


@pytest.fixture(autouse=True)
def _asks_each_time(database_alias: str) -> Iterator[None]:
    """Trust a version for no time."""
    given = {**django_settings.OFFLOAD, "TOPOLOGY_AGE": 0, "DATABASE": database_alias}
    with override_settings(OFFLOAD=given):
        yield


def test_a_view_has_clusters_instances_in_join_order_and_who_leads_them() -> None:
    join(THERE, labels=["gpu"], facts={"cpus": 8})
    assert leadership.acquire(HERE, join(HERE))

    seen = view()

    [cluster] = seen.clusters
    assert (cluster.name, cluster.instances) == ("default", seen.instances)
    assert [one.name for one in seen.instances] == [THERE, HERE]
    assert cluster.leader == seen.leader == seen.instance(HERE)
    assert seen.instances[0].properties == {"cpus": 8}
    assert seen.local is None
    assert seen.is_current


def test_no_instance_is_a_view_too() -> None:
    seen = view()

    assert (seen.instances, seen.clusters, seen.leader) == ((), (), None)


def test_to_ask_again_costs_a_look_at_the_version_and_within_its_age_nothing() -> None:
    join()
    first = view()

    with statements() as found:
        assert view() is first
    assert len(found) == 1
    with override_settings(OFFLOAD={**django_settings.OFFLOAD, "TOPOLOGY_AGE": 3600}):
        with statements() as found:
            assert view() is first
        assert found == []


def test_a_change_makes_another_view_and_the_former_one_is_not_current() -> None:
    incarnation = join()
    before = view()

    membership.set_mode(HERE, incarnation, Mode.DRAINING)
    after = view()

    assert [one.mode for one in difference(before, after).changed] == [Mode.DRAINING]
    assert (before.is_current, after.is_current) == (False, True)
    assert after.version > before.version


def test_what_changes_no_instance_leaves_the_view_as_it_is() -> None:
    join()
    before = view()

    editing.deny(HERE, "dam/**")

    assert view() is before
    assert before.is_current


def test_threads_share_a_view_and_each_learns_what_another_has_seen() -> None:
    incarnation = join()
    mine, *theirs = view(), *together([view, view])
    assert all(one is mine for one in theirs)
    with override_settings(OFFLOAD={**django_settings.OFFLOAD, "TOPOLOGY_AGE": 3600}):
        assert view() is mine
        membership_changed: list[TopologyView] = together([lambda: _drained(incarnation)])

        assert not mine.is_current
        assert view() is membership_changed[0]


def _drained(incarnation: str) -> TopologyView:
    membership.set_mode(HERE, incarnation, Mode.DRAINING)
    return view()


def test_what_only_a_transaction_sees_is_nothing_to_others() -> None:
    incarnation = join()
    before = view()
    with transaction.atomic(using=database.alias()):
        membership.set_mode(HERE, incarnation, Mode.DRAINING)
        assert [one.mode for one in view().instances] == [Mode.DRAINING]
        transaction.set_rollback(True, using=database.alias())

    after = view()

    assert after == before
    assert after.is_current


def test_a_process_of_a_worker_knows_its_own_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(current._Process, "local", None)
    join()

    current.belong_to(HERE)

    assert view().local is view().instance(HERE)
    assert offload.topology.view is view
