"""The Celery app of the acceptance tests' site."""

from __future__ import annotations

from celery import Celery

import offload

app = Celery("site", include=["tests.acceptance.site.consumers", "tests.acceptance.site.tasks"])
app.config_from_object("django.conf:settings", namespace="CELERY")
offload.install(app)
