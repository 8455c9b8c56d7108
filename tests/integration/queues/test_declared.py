"""Queues that the settings declare."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.core.management import call_command

from offload.checks import offload_settings
from offload.checks import queues as checks
from offload.db import database
from offload.diagnostics import Level
from offload.diagnostics import queues as doctor
from offload.fleet.snapshots import snapshot
from offload.models import Queue
from offload.models.versions import current_version
from offload.queues import declared, policies
from tests.integration.world import TOPIC, bound, join, statements, states, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_django import Settings

    Declare = Callable[..., None]

RENDER = {"topics": ["dam/**"], "max_parallel": 2, "retries": 3, "retry_delay": 5}


@pytest.fixture
def declare(settings: Settings) -> Declare:
    """Return a function that declares queues in the settings."""

    def declare(**queues: dict[str, Any]) -> None:
        settings.OFFLOAD = {**settings.OFFLOAD, "QUEUES": queues}

    return declare


def test_what_is_declared_is_made_once(declare: Declare) -> None:
    declare(render=RENDER, mail={"topics": "mail", "retry_delay": timedelta(minutes=1)})

    declared.sync(remove=False)
    version = current_version()
    with statements() as said:
        declared.sync(remove=True)

    row = Queue.objects.get(name="render")
    assert (row.topics, row.max_parallel, row.retries) == (["dam/**"], 2, 3)
    assert row.is_declared
    assert Queue.objects.get(name="mail").retry_delay == 60
    assert snapshot(fresh=True).policy_for(TOPIC).is_declared
    assert current_version() == version
    assert len(said) == 1


def test_what_is_declared_otherwise_is_changed_and_stays_suspended(declare: Declare) -> None:
    join()
    declare(render=RENDER)
    declared.sync(remove=False)
    jobs = [one.id for one in bound(2, queue="render")]
    declare(render={**RENDER, "max_parallel": 1})

    declared.sync(remove=False)

    assert sorted(states(jobs)) == ["PENDING", "QUEUED"]
    policies.suspend([Queue.objects.get()], suspended=True, note="moves")
    declare(render={**RENDER, "retries": 9})
    declared.sync(remove=False)
    row = Queue.objects.get()
    assert (row.retries, row.suspended, row.note) == (9, True, "moves")


def test_what_is_declared_no_longer_goes_with_a_migration_only(declare: Declare) -> None:
    declare(render=RENDER)
    declared.sync(remove=False)
    waiting(queue="render")
    declare()

    declared.sync(remove=False)
    assert Queue.objects.exists()
    declared.after_migrate(using="nowhere")
    assert Queue.objects.exists()
    declared.after_migrate(using=database.alias())

    assert not Queue.objects.exists()


def test_what_people_made_is_left_alone(declare: Declare) -> None:
    Queue.objects.create(name="render", topics=["x"])
    Queue.objects.create(name="mine", topics=["y"])
    declare(render=RENDER)

    declared.sync(remove=True)

    assert [row.topics for row in Queue.objects.order_by("name")] == [["y"], ["x"]]
    (found,) = doctor.examine()
    assert (found.level, "made by hand" in found.fact) == (Level.WARN, True)
    assert "manage.py offload queues remove render" in found.next_step


def test_the_doctor_says_what_is_not_as_it_is_declared(declare: Declare) -> None:
    declare(render=RENDER)
    (found,) = doctor.examine()
    assert "for: render." in found.fact
    assert "manage.py migrate" in found.next_step
    declared.sync(remove=False)
    assert [one.level for one in doctor.examine()] == [Level.OK]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, "topics: "),
        ({"topics": ["a//b"]}, "is not a pattern"),
        ({"topics": ["a"], "max_paralel": 2}, "did you mean 'max_parallel'?"),
        ({"topics": ["a"], "max_parallel": 0}, "max_parallel: "),
        ({"topics": ["a"], "type": "ordered", "max_parallel": 3}, "one job at a time"),
        ({"topics": ["a"], "rate": "fast"}, "rate: "),
        ({"topics": ["a"], "rate": 5}, "rate: "),
        ({"topics": ["a"], "windows": "mon 01:00-02:00"}, "windows: "),
        ({"topics": ["a"], "time_zone": "Mars/Base"}, "time_zone: "),
        ({"topics": ["a"], "suspended": True}, "it has no 'suspended'"),
        ({"topics": ["a"], "retries": "often"}, "retries: "),
    ],
)
def test_what_cannot_be_so_is_an_error_of_the_settings(
    declare: Declare, fields: dict[str, Any], told: str
) -> None:
    declare(render=fields)
    (found,) = checks.check()
    assert found.id == "offload.E015"
    assert "'render'" in found.msg
    assert told in found.msg
    assert list(doctor.examine()) == []


def test_settings_that_are_no_queues_are_refused(settings: Settings) -> None:

    settings.OFFLOAD = {"QUEUES": {"render": ["dam/**"]}}
    (found,) = offload_settings.check()
    assert found.id == "offload.E002"
    assert '{"topics": ["dam/**"]}' in str(found.hint)


def test_migrate_makes_what_is_declared(declare: Declare, database_alias: str) -> None:
    declare(render=RENDER)

    call_command("migrate", database=database_alias, verbosity=0)

    assert Queue.objects.get().is_declared
