"""An app for the doctor to examine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from celery import Celery

from offload.messaging import installation
from offload.results import task_results

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def installed() -> Iterator[Callable[..., Celery]]:
    """Return a function that installs an app configured like this."""

    def install(**conf: Any) -> Celery:
        app = Celery("doctor", broker="memory://", backend="django-db", set_as_current=False)
        app.conf.update({"CELERY_DB_REUSE_MAX": 1, **conf})
        installation.remember(app, module="shop.celery")
        task_results.in_transaction.cache_clear()
        return app

    with installation.instead(None):
        yield install
    task_results.in_transaction.cache_clear()


@pytest.fixture(autouse=True)
def app(installed: Callable[..., Celery], database_alias: str, settings: Any) -> Celery:
    """Install an app that has nothing wrong."""
    # The tests' own models are elsewhere on purpose.
    settings.SILENCED_SYSTEM_CHECKS = ["offload.W010"]
    return installed()
