"""System checks: problems of a site's settings, each with an id and a hint to paste.

They read settings only, and for ``manage.py check`` alone the consumers; the broker and the
database are looked at by ``manage.py offload doctor``. The lint reads the database, and only for
``manage.py check --database``.
"""

from __future__ import annotations

from django.core.checks import Tags, register

from offload.checks import (
    celery_app,
    consumers,
    databases,
    launchers,
    lint_problems,
    machine,
    offload_settings,
    pages,
    properties,
    queues,
    resources,
)

TAG = "offload"

for module in (
    machine,
    offload_settings,
    queues,
    resources,
    launchers,
    properties,
    databases,
    celery_app,
    pages,
    consumers,
):
    register(module.check, TAG)
register(lint_problems.check, TAG, Tags.database)
