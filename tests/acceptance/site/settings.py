"""Settings of the acceptance tests' site: everything that differs comes from the environment."""

from __future__ import annotations

import json
import os
from pathlib import Path

FOLDER = Path(os.environ["ACCEPTANCE_FOLDER"])
#: Part of every nodename and queue of this run, so that it shares a broker with nobody.
RUN = os.environ["ACCEPTANCE_RUN"]

SECRET_KEY = os.environ.get("ACCEPTANCE_SECRET", "acceptance")
USE_TZ = True
TIME_ZONE = "UTC"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_celery_results",
    "offload",
    "tests.shop",
    *os.environ.get("ACCEPTANCE_APPS", "").split(),
]
DATABASES = {"default": json.loads(os.environ["ACCEPTANCE_DATABASE"])}
DATABASE_ROUTERS: list[str] = []
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": FOLDER / "media"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

CELERY_BROKER_URL = os.environ["ACCEPTANCE_BROKER"]
#: Where a worker's parent receives from, if that is not where its agent sends.
CELERY_BROKER_READ_URL = os.environ.get("ACCEPTANCE_BROKER_READ")
CELERY_BROKER_TRANSPORT_OPTIONS = json.loads(os.environ.get("ACCEPTANCE_BROKER_OPTIONS", "{}"))
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = f"plain-{RUN}"
#: Results go to the job's own database, to the Redis that carries the messages too, or back to
#: who submitted.
RESULTS = {"broker": CELERY_BROKER_URL, "replies": "rpc://"}
CELERY_RESULT_BACKEND = RESULTS.get(os.environ.get("ACCEPTANCE_RESULTS", ""), "django-db")
CELERY_RESULT_BACKEND_TRANSPORT_OPTIONS = {"global_keyprefix": f"{RUN}-"}
CELERY_RESULT_EXTENDED = True
CELERY_TASK_TRACK_STARTED = True
CELERY_WORKER_POOL_START_METHOD = os.environ.get("ACCEPTANCE_START_METHOD", "fork")
#: On a busy machine a spawned process takes longer than the usual four seconds to come up.
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 60.0
CELERY_TASK_SEND_SENT_EVENT = bool(os.environ.get("ACCEPTANCE_SENT_EVENTS"))

OFFLOAD = {
    "HEARTBEAT": 1,
    "TIMEOUT": 3,
    "RETRY_DELAY": 0.1,
    "SCRATCH": str(FOLDER),
    **json.loads(os.environ.get("ACCEPTANCE_OFFLOAD", "{}")),
}
