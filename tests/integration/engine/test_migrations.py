"""Rows of an earlier form, taken over."""

from __future__ import annotations

from typing import Any

from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from offload.models import database

BEFORE, AFTER = ("offload", "0006_failures"), ("offload", "0007_bounds")


def migrate(target: tuple[str, str]) -> Any:
    """Go to a migration and return the models as they are then."""
    executor = MigrationExecutor(connections[database.alias()])
    executor.migrate([target])
    return executor.loader.project_state([target]).apps


def test_numbers_beyond_their_bounds_become_the_nearest() -> None:
    alias = database.alias()
    try:
        old = migrate(BEFORE).get_model("offload", "Queue").objects.using(alias)
        old.create(name="far", topics=["a"], retention_days=2_000_000_000, backoff=1e300)
        old.create(name="kept", topics=["b"], retention_days=0, retry_delay=1e300)
    finally:
        new = migrate(AFTER).get_model("offload", "Queue").objects.using(alias)

    found = {row.name: (row.retention_days, row.backoff, row.retry_delay) for row in new.all()}
    assert found == {"far": (36_500, 1_000, 2), "kept": (None, 1, 365 * 86_400)}
