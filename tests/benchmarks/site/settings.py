"""Settings of one contender, from the environment that the benchmark sets."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.benchmarks.site.identity import FOLDER, IS_FLOWS, IS_PEER, NAME, VARIANT

SECRET_KEY = "benchmark"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django_celery_results",
]
if IS_FLOWS:
    # Its code without its site, which would make an app of Celery's beside the contender's.
    sys.modules["project"] = ModuleType("project")
    sys.modules["project"].__path__ = [str(Path(__file__).parents[3] / "project")]
if VARIANT.offload and IS_FLOWS:
    INSTALLED_APPS.append("project.dam")
if VARIANT.offload:
    INSTALLED_APPS.append("offload")
    OFFLOAD: dict[str, Any] = {"CELERY_APP": "tests.benchmarks.site.celery"}
DATABASES = {
    "default": json.loads(os.environ["BENCH_PEER_DATABASE" if IS_PEER else "BENCH_DATABASE"])
}
if VARIANT.remote:
    own, other = (f"{NAME}-{one}" for one in (("peer", "home") if IS_PEER else ("home", "peer")))
    known = {"KEY": "no secret of anybody: a benchmark", "SEND": ["**"], "ACCEPT": ["**"]}
    OFFLOAD |= {"CLUSTER": own, "PEERS": {other: known}}
# Nobody looks at pages while it is measured.
SILENCED_SYSTEM_CHECKS = ["offload.W008"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
MEDIA_ROOT = FOLDER / "media"

CELERY_BROKER_URL = os.environ["BENCH_BROKER"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# Of its own, also where others use the broker.
CELERY_TASK_DEFAULT_QUEUE = NAME
CELERY_RESULT_BACKEND = "django-db" if VARIANT.results else None
CELERY_RESULT_EXTENDED = True
CELERY_TASK_IGNORE_RESULT = not VARIANT.results
CELERY_TASK_TRACK_STARTED = VARIANT.started
if IS_FLOWS and not VARIANT.offload:
    CELERY_IMPORTS = ["tests.benchmarks.site.flows.chord_tasks"]
CELERY_WORKER_HIJACK_ROOT_LOGGER = True
