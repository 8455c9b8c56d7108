"""Plain Celery tasks on a worker: their connections are kept too, and left in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from celery.signals import task_postrun, task_prerun
from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import override_settings

import offload
from offload.db import database
from offload.models import Payload
from offload.testing import run_jobs
from offload.worker.pool.query_log import log_no_queries, warn_of_queries
from offload.worker.pool.session_watch import on_postrun, on_prerun, watch_tasks
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from tests.integration.driving.driver import Driver

#: How a setting is changed, asked for, and what it is without that.
SETTING = {
    "sqlite": ("PRAGMA cache_size = 77", "PRAGMA cache_size", -2000),
    "postgresql": ("SET statement_timeout = 70000", "SHOW statement_timeout", "0"),
}


def leave_open() -> None:
    """Enter a block, write, and forget it."""
    transaction.atomic(using=database.alias()).__enter__()
    Payload.objects.create(id="uncommitted")


def leave_set() -> None:
    """Change a setting of the session."""
    database.execute(SETTING[database.vendor()][0])


@pytest.fixture(autouse=True)
def _worker(app: Celery) -> Iterator[None]:
    """Let tasks be watched, as in a worker's process."""
    tasks = [define(app, one, name=f"plain.{one.__name__}") for one in (leave_open, leave_set)]
    watch_tasks()
    yield
    task_prerun.disconnect(on_prerun, dispatch_uid="offload.on_prerun")
    task_postrun.disconnect(on_postrun, dispatch_uid="offload.on_postrun")
    for task in tasks:
        app.tasks.pop(task.name)


@pytest.mark.parametrize("name", ["leave_open", "leave_set"])
def test_a_plain_task_leaves_its_session_as_it_was(app: Celery, driver: Driver, name: str) -> None:
    app.send_task(f"plain.{name}")

    driver.run_plain()

    _, ask, usual = SETTING[database.vendor()]
    assert database.rows(ask) == [(usual,)]
    assert not database.connection().in_atomic_block
    Payload.objects.create(id="next")
    assert [one.pk for one in Payload.objects.all()] == ["next"]


def test_a_task_that_runs_inside_of_something_else_ends_nothing(app: Celery) -> None:
    with database.atomic():
        app.tasks["plain.add"].apply((1, 2))
        assert database.connection().in_atomic_block


def test_jobs_in_a_test_end_nothing_either() -> None:
    with database.atomic():
        offload.submit("jobs/same", {"value": 1})
        run_jobs()
        assert database.connection().in_atomic_block


@override_settings(DEBUG=True)
def test_the_log_of_queries_is_emptied_after_a_task_and_kept_for_a_test(
    app: Celery, driver: Driver
) -> None:
    app.send_task("plain.leave_open")
    driver.run_plain()
    assert not database.connection().queries

    offload.submit("jobs/same", {"value": 1})
    run_jobs()
    assert database.connection().queries
    for connection in connections.all(initialized_only=True):
        connection.queries_log.clear()


@pytest.mark.parametrize("debug", [True, False])
def test_a_worker_says_what_debug_costs(caplog: pytest.LogCaptureFixture, debug: bool) -> None:
    with override_settings(DEBUG=debug):
        warn_of_queries()

    assert ("Set DEBUG = False" in caplog.text) is debug


def test_an_agent_keeps_no_log(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BaseDatabaseWrapper, "queries_limit", 9000)

    log_no_queries()

    assert connections.create_connection("default").queries_log.maxlen == 0
