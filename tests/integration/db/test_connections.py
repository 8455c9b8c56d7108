"""A site's settings of its database connections: how long they live, and what they keep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import close_old_connections

import offload
from offload.db import database
from offload.db.preparing import PREPARE_AFTER_RUNS
from offload.testing import run_jobs
from offload.worker.tasks.task import ConsumerTask
from tests.databases import on_postgresql
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from celery import Celery

    SetUp = Callable[..., None]

#: Jobs after which every statement of theirs has run often enough to be prepared.
JOBS = PREPARE_AFTER_RUNS + 3


@pytest.fixture(autouse=True)
def _consumer(app: Celery) -> Iterator[None]:
    """Give the app a consumer."""

    def double(job: Any, *, number: int) -> int:
        return number * 2

    define(app, double, name="tests.double", base=ConsumerTask, pattern="double", topic="double")
    yield
    app.tasks.pop("tests.double")


@pytest.fixture
def set_up(database_alias: str, monkeypatch: pytest.MonkeyPatch) -> SetUp:
    """Return a function that gives the connection these settings, and closes it before."""

    def set_up(**settings: Any) -> None:
        database.connection().close()
        for name, value in settings.items():
            monkeypatch.setitem(database.connection().settings_dict, name, value)

    return set_up


@pytest.mark.parametrize("age", [0, 60, None])
def test_jobs_run_however_long_connections_live_after_a_request(
    set_up: SetUp, age: int | None
) -> None:
    set_up(CONN_MAX_AGE=age)

    for number in range(JOBS):
        # As Django does at the end of every request.
        job = offload.submit("double", {"number": number})
        close_old_connections()
        assert run_jobs() == [job]
        close_old_connections()
        assert (job.result(0), job.row.attempts) == (number * 2, 1)
        close_old_connections()

    assert (database.connection().connection is None) == (age == 0)


@on_postgresql
@pytest.mark.parametrize("is_pooled", [True, False])
def test_nothing_is_prepared_where_a_pooler_may_lend_another_connection(
    set_up: SetUp, is_pooled: bool
) -> None:
    set_up(DISABLE_SERVER_SIDE_CURSORS=is_pooled)

    jobs = [offload.submit("double", {"number": number}) for number in range(JOBS)]
    assert run_jobs() == jobs

    assert [job.result(0) for job in jobs] == [number * 2 for number in range(JOBS)]
    prepared = database.rows("SELECT statement FROM pg_prepared_statements")
    assert (prepared == []) == is_pooled
