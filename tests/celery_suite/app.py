"""The Celery app under the suite: stock, or with jobs."""

from __future__ import annotations

import os
from typing import Any

import django
from celery import Celery

import offload
from tests.celery_suite.tasks import rebase

#: The settings of the suite's own `conftest` and of Celery's own test app.
CONFIG: dict[str, Any] = {
    "broker_url": os.environ["TEST_BROKER"],
    "result_backend": os.environ["TEST_BACKEND"],
    "result_extended": True,
    "task_create_missing_queues": False,
    "broker_connection_retry_on_startup": True,
    "worker_hijack_root_logger": False,
    "worker_log_color": False,
    "accept_content": {"json"},
    "enable_utc": True,
    "timezone": "UTC",
    "broker_heartbeat": 0,
}
IS_JOBS = os.environ["SUITE_TASKS"] == "jobs"


def made(**config: Any) -> Celery:
    """Return a new app with the suite's tasks."""
    made = Celery("suite", set_as_current=False, include=["t.integration.tasks"])
    made.conf.update({**CONFIG, **config})
    if IS_JOBS:
        offload.install(made)
    made.loader.import_default_modules()
    made.register_task(_class_task())
    return made


def _class_task() -> Any:
    from t.integration.tasks import ClassBasedAutoRetryTask

    return ClassBasedAutoRetryTask()


django.setup()
if IS_JOBS:
    rebase()
app = made()
