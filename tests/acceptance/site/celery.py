"""The Celery app of the acceptance tests' site."""

from __future__ import annotations

import os
from importlib import import_module

from celery import Celery

import offload
from tests.acceptance.site import faults

MODULES = [
    "consumers",
    "tasks",
    *(["listeners"] if os.environ.get("ACCEPTANCE_LISTEN") else []),
    *(["properties"] if os.environ.get("ACCEPTANCE_PROPERTIES") else []),
]

app = Celery("site", include=[f"tests.acceptance.site.{name}" for name in MODULES])
app.config_from_object("django.conf:settings", namespace="CELERY")
offload.install(app)
if os.environ.get("ACCEPTANCE_LOSE"):
    faults.lose_first_messages()
if name := os.environ.get("ACCEPTANCE_TELEMETRY"):
    import_module("tests.acceptance.site.telemetry").set_up(name)
