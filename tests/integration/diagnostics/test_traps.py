"""Settings that cause trouble later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from offload.diagnostics import Level, traps
from tests.integration.diagnostics.findings import levels, on_sqlite, the

if TYPE_CHECKING:
    from collections.abc import Callable

    from celery import Celery

    Installed = Callable[..., Celery]


@on_sqlite
@pytest.mark.parametrize(
    ("conf", "told"),
    [
        ({"broker_url": "redis://", "task_acks_late": True}, "visibility_timeout"),
        ({"worker_max_tasks_per_child": 1}, "CELERY_WORKER_MAX_TASKS_PER_CHILD"),
    ],
)
def test_traps_are_warnings(installed: Installed, conf: dict[str, object], told: str) -> None:
    installed(**conf)
    assert told in the(Level.WARN, traps.examine()).next_step


@on_sqlite
def test_settings_beside_the_traps_are_well(installed: Installed) -> None:
    installed(worker_max_tasks_per_child=1000, task_acks_late=True)
    assert levels(traps.examine()) == {Level.OK}
