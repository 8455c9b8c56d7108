"""The doctor as a whole, and its verb."""

from __future__ import annotations

import json
from io import StringIO
from typing import TYPE_CHECKING

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError

from offload import diagnostics
from offload.db import database
from offload.diagnostics import Level
from offload.diagnostics import settings as settings_part
from offload.fleet import leadership
from tests.integration.diagnostics.findings import levels, on_sqlite, the
from tests.integration.world import HERE, join

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery
    from pytest_django import Settings

    Installed = Callable[..., Celery]


def test_a_site_without_workers_is_warned_and_works() -> None:
    found = list(diagnostics.examine())
    assert levels(found) == {Level.OK, Level.WARN}
    assert the(Level.WARN, found).next_step == (
        "Start a worker: celery -A shop.celery worker -n NAME@%h"
    )


def test_a_site_with_a_worker_is_well() -> None:
    leadership.acquire(HERE, join())
    found = list(diagnostics.examine())
    assert levels(found) == {Level.OK}
    subjects = {one.subject for one in found}
    assert subjects == {
        "versions", "settings", "database", "broker", "results", "storage", "instances",
        "consumers", "jobs", "lint", "queues", "rows", "traps",
    }  # fmt: skip


@on_sqlite
def test_the_command_shows_every_finding_and_is_exit_code_0() -> None:
    leadership.acquire(HERE, join())
    out = StringIO()
    call_command("offload", "doctor", stdout=out)
    assert out.getvalue().count("\nok ") >= 8
    out = StringIO()
    call_command("offload", "doctor", "--json", stdout=out)
    facts = json.loads(out.getvalue())
    assert facts["ok"] is True
    assert set(facts["findings"][0]) == {"level", "subject", "fact", "next_step"}


@on_sqlite
def test_the_command_is_exit_code_1_where_something_fails(installed: Installed) -> None:
    installed(broker_url="redis://127.0.0.1:1/0")
    out = StringIO()
    with pytest.raises(CommandError, match=r"1 of .* findings") as caught:
        call_command("offload", "doctor", stdout=out)
    assert caught.value.returncode == 1
    assert "fail  broker" in out.getvalue()
    assert "-> Start it, or correct CELERY_BROKER_URL" in out.getvalue()


@on_sqlite
def test_findings_of_the_system_checks_keep_their_hint(
    settings: Settings, installed: Installed
) -> None:
    installed(task_always_eager=True)
    settings.USE_TZ = False
    found = list(settings_part.examine())
    assert the(Level.FAIL, found).fact.startswith("offload.E009: ")
    step = the(Level.WARN, found).next_step
    assert step.startswith("Remove CELERY_TASK_ALWAYS_EAGER outside of tests")


@on_sqlite
def test_a_silenced_check_is_silent(settings: Settings, installed: Installed) -> None:
    installed(task_always_eager=True)
    settings.SILENCED_SYSTEM_CHECKS = ["offload.W005", "offload.W010"]
    assert levels(settings_part.examine()) == {Level.OK}


@on_sqlite
def test_nothing_is_examined_that_rests_on_wrong_settings(settings: Settings) -> None:
    settings.OFFLOAD = {"NONSENSE": 1}
    assert {one.subject for one in diagnostics.examine()} == {"versions", "settings", "OFFLOAD"}


@on_sqlite
def test_a_wrong_option_of_a_peer_is_a_finding_and_not_the_end(settings: Settings) -> None:
    peer = {"KEY": "k" * 32, "SEN": ["dam/**"]}
    settings.OFFLOAD = {**settings.OFFLOAD, "CLUSTER": "author", "PEERS": {"render": peer}}
    found = list(diagnostics.examine())
    assert {one.subject for one in found} == {"versions", "settings", "OFFLOAD"}
    assert any("'SEND'" in one.next_step for one in found)


@on_sqlite
def test_what_rests_on_a_broken_database_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise DatabaseError("refused")

    monkeypatch.setattr(database, "rows", broken)
    found = list(diagnostics.examine())
    assert Level.FAIL in levels(found)
    assert "instances" not in {one.subject for one in found}
    assert "broker" in {one.subject for one in found}
