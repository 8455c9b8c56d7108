"""The Celery app of the acceptance tests' site."""

from __future__ import annotations

import os

from celery import Celery

import offload
from tests.acceptance.site import faults

MODULES = ["consumers", "tasks", *(["listeners"] if os.environ.get("ACCEPTANCE_LISTEN") else [])]

app = Celery("site", include=[f"tests.acceptance.site.{name}" for name in MODULES])
app.config_from_object("django.conf:settings", namespace="CELERY")
offload.install(app)
if os.environ.get("ACCEPTANCE_LOSE"):
    faults.lose_first_messages()
