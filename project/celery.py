"""The Celery app of the sample site."""

from __future__ import annotations

import os

from celery import Celery

import offload

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
offload.install(app)
app.autodiscover_tasks()
