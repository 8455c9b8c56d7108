"""Migrations of rows in an earlier form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Iterator

BEFORE, AFTER = ("offload", "0006_failures"), ("offload", "0007_bounds")


def migrate(*targets: tuple[str, str]) -> Any:
    """Go to migrations, or to the newest, and return the models as they are then."""
    executor = MigrationExecutor(connections[database.alias()])
    newest = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "offload"]
    executor.migrate(list(targets) or newest)
    return executor.loader.project_state(list(targets) or newest).apps


@pytest.fixture
def _newest_in_the_end(database_alias: str) -> Iterator[None]:
    """Leave the tables to the next test as it expects them."""
    yield
    migrate()


@pytest.mark.usefixtures("_newest_in_the_end")
def test_numbers_beyond_their_bounds_become_the_nearest() -> None:
    alias = database.alias()
    old = migrate(BEFORE).get_model("offload", "Queue").objects.using(alias)
    old.create(name="far", topics=["a"], retention_days=2_000_000_000, backoff=1e300)
    old.create(name="kept", topics=["b"], retention_days=0, retry_delay=1e300)

    new = migrate(AFTER).get_model("offload", "Queue").objects.using(alias)

    found = {row.name: (row.retention_days, row.backoff, row.retry_delay) for row in new.all()}
    assert found == {"far": (36_500, 1_000, 2), "kept": (None, 1, 365 * 86_400)}
