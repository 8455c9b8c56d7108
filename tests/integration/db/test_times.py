"""Times that the database writes, beside those that Django writes: SQLite compares their texts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.db import models
from django.db.models import NOT_PROVIDED, Max

from offload.db import database
from offload.models import Instance, Job
from offload.models.fields import DatabaseNow
from tests.integration.world import join, waiting

MIGRATION = import_module("offload.migrations.0012_times_as_django_writes_them")
SECOND = "2026-01-31 23:59:59"
#: The SQL of so many seconds later, written as `database.now()` writes.
LATER = {
    "sqlite": database.SQLITE_TIME.format(f"'{SECOND}', %(later)s || ' seconds'"),
    "postgresql": f"'{SECOND}+00'::timestamptz + make_interval(secs => %(later)s)",
}


@pytest.mark.parametrize("milliseconds", [0, 1, 10, 100, 120, 500, 999])
def test_a_row_is_found_by_its_own_time(milliseconds: int) -> None:
    join()
    database.execute(
        f"UPDATE offload_instance SET started_at = {LATER[database.vendor()]}",  # noqa: S608
        {"later": milliseconds / 1000},
    )

    newest = Instance.objects.aggregate(newest=Max("started_at"))["newest"]

    assert newest == datetime.fromisoformat(SECOND).replace(tzinfo=UTC) + timedelta(
        milliseconds=milliseconds
    )
    assert Instance.objects.filter(started_at=newest, started_at__lte=newest).exists()
    assert not Instance.objects.filter(started_at__lt=newest).exists()


def test_a_new_row_is_found_by_its_own_time() -> None:
    (job_id,) = waiting()
    made = Job.objects.values_list("created_at", flat=True).get()

    assert Job.objects.filter(created_at=made).get().pk == job_id
    assert not Job.objects.filter(created_at__lt=made).exists()


def test_every_default_time_is_written_like_that() -> None:
    defaults = [
        type(column.db_default)
        for model in apps.get_app_config("offload").get_models()
        for column in model._meta.fields
        if isinstance(column, models.DateTimeField) and column.db_default is not NOT_PROVIDED
    ]
    assert set(defaults) == {DatabaseNow}


def test_times_of_older_rows_are_rewritten() -> None:
    if database.vendor() == "sqlite":
        join()
        for old, new in (("59.000", "59"), ("59.120", "59.120000"), ("59", "59")):
            written = {"written": f"2026-01-31 23:59:{old}"}
            database.execute("UPDATE offload_instance SET started_at = %(written)s", written)
            with database.connection().schema_editor() as editor:
                MIGRATION.rewrite(apps, editor)
            found = database.rows("SELECT started_at || '' FROM offload_instance")
            assert found == [(f"2026-01-31 23:59:{new}",)]


def test_the_clock_is_written_like_that() -> None:
    assert database.now() == database.NOW[database.vendor()]
    if database.vendor() == "sqlite":
        assert database.now() == database.SQLITE_TIME.format("'NOW'")
        assert database.later("1") == database.SQLITE_TIME.format("'NOW', (1) || ' seconds'")
