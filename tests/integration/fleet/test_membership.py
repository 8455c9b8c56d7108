"""Membership: joining, a name in use, heartbeats, leaving, and being declared gone."""

from __future__ import annotations

import platform
from functools import partial
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.test import override_settings

from offload.core.discovery.properties import BUILT_IN, plain_value
from offload.core.placement.topology import Mode
from offload.core.states import Hold, JobState
from offload.fleet import membership, own_facts, properties
from offload.models import Instance
from offload.models.versions import current_version
from offload.signals import instance_changed
from tests.databases import on_postgresql
from tests.integration.beside import together
from tests.integration.world import HERE, THERE, bound, join, place, row, running


def test_a_beat_counts_for_its_own_incarnation_alone() -> None:
    incarnation = join()

    assert membership.beat(HERE, incarnation) is True
    assert membership.beat(HERE, "another") is False
    assert membership.beat(THERE, incarnation) is False
    assert Instance.objects.get(pk=HERE).beat == 1


def test_who_is_gone_beats_no_more() -> None:
    incarnation = join()
    membership.goodbye(HERE, incarnation)

    assert membership.beat(HERE, incarnation) is False


def test_a_change_of_mode_moves_the_version_and_none_does_not(told: list[tuple[str, str]]) -> None:
    incarnation = join()
    before = current_version()
    told.clear()

    membership.set_mode(HERE, incarnation, Mode.READY)
    assert current_version() == before
    membership.set_mode(HERE, incarnation, Mode.DRAINING)

    assert current_version() == before + 1
    assert told == [("draining", "announced")]


def test_a_concurrency_that_became_known_widens_the_window() -> None:
    incarnation = join()

    membership.set_mode(HERE, incarnation, Mode.READY, concurrency=8)

    assert place().window == 16


def test_who_is_gone_stays_gone_whatever_it_announces() -> None:
    incarnation = join()
    membership.goodbye(HERE, incarnation)

    membership.set_mode(HERE, incarnation, Mode.READY)

    assert Instance.objects.get(pk=HERE).mode == Mode.GONE


def test_a_goodbye_moves_what_is_left_and_counts_no_crash(told: list[tuple[str, str]]) -> None:
    incarnation = join()
    run = running()

    assert membership.goodbye(HERE, incarnation) is True
    assert membership.goodbye(HERE, incarnation) is False

    assert (run.row.state, run.row.crashes, run.row.hold) == (JobState.PENDING, 0, Hold.NONE)
    assert told[-1] == ("gone", "goodbye")
    assert Instance.objects.get(pk=HERE).gone_because == "goodbye"


def test_another_incarnation_cannot_be_made_to_leave() -> None:
    join()
    job = bound()[0]

    assert membership.leave(HERE, "another", reason="late", crash=True) is False
    assert row(job.id).state == JobState.QUEUED


def test_who_stood_still_is_declared_gone_with_its_jobs_moved() -> None:
    incarnation = join()
    run = running()
    membership.beat(HERE, incarnation)

    assert membership.declare_gone(HERE, incarnation, beat=1, reason="no beat for 12 s") is True

    assert Instance.objects.get(pk=HERE).gone_because == "no beat for 12 s"
    assert (run.row.state, run.row.crashes) == (JobState.PENDING, 1)


@pytest.mark.parametrize(("incarnation", "beat"), [(None, 0), ("another", 1)])
def test_who_beat_or_came_back_meanwhile_is_not_declared_gone(
    incarnation: str | None, beat: int
) -> None:
    mine = join()
    job = bound()[0]
    membership.beat(HERE, mine)

    declared = membership.declare_gone(HERE, incarnation or mine, beat=beat, reason="still")

    assert declared is False
    assert Instance.objects.get(pk=HERE).mode == Mode.READY
    assert row(job.id).state == JobState.QUEUED


@on_postgresql
def test_a_beat_and_a_declaration_at_once_never_both_count() -> None:
    for _ in range(10):
        Instance.objects.all().delete()
        incarnation = join()

        beaten, declared = together(
            [
                partial(membership.beat, HERE, incarnation),
                partial(membership.declare_gone, HERE, incarnation, beat=0, reason="x"),
            ]
        )

        assert beaten is not declared
        assert (Instance.objects.get(pk=HERE).mode == Mode.GONE) is declared


def test_load_is_announced_by_the_incarnation_alone() -> None:
    incarnation = join()

    own_facts.report(HERE, incarnation, load={"held": 3})
    own_facts.report(HERE, "another", load={"held": 4})

    assert Instance.objects.get(pk=HERE).load == {"held": 3}


def test_properties_of_machine_and_code_are_plain_values() -> None:
    found: dict[str, Any] = properties.built_in()

    assert all(plain_value(name, value) == value for name, value in found.items())
    assert found["cpus"] >= 1
    assert found["memory"] > 0
    assert found["python"] == platform.python_version()
    assert "code_version" not in found


@pytest.mark.parametrize("place", ["settings", "environment"])
def test_the_version_of_the_code_is_that_of_the_environment_or_the_settings(
    place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if place == "environment":
        monkeypatch.setenv("OFFLOAD_CODE_VERSION", "environment")
    with override_settings(OFFLOAD={**django_settings.OFFLOAD, "CODE_VERSION": "settings"}):
        found = properties.built_in()

    assert found["code_version"] == place
    assert found.keys() == set(BUILT_IN)


@pytest.fixture
def told() -> Any:
    """Return mode and reason of each change that was told."""
    found: list[tuple[str, str]] = []

    def note(*, mode: str, reason: str, **_: object) -> None:
        found.append((str(mode), reason))

    instance_changed.connect(note, dispatch_uid="tests")
    yield found
    instance_changed.disconnect(dispatch_uid="tests")
