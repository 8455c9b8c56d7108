"""Settings of Celery that work at first and cause trouble later."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import ConfigurationError
from offload.diagnostics.finding import Finding, ok, warn
from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

SUBJECT = "traps"

#: Seconds after which Redis gives an unacknowledged message to another worker.
VISIBILITY_TIMEOUT_SECONDS = 3600


def examine() -> Iterator[Finding]:
    """Yield the pitfalls that apply to the site."""
    try:
        app = celery_app()
    except ConfigurationError:
        return
    found = [*_visibility(app), *_eager_recycling(app)]
    yield from found or [ok(SUBJECT, "None of the known pitfalls was found.")]


def _visibility(app: Celery) -> Iterator[Finding]:
    """Yield that long plain tasks run twice; jobs do not, because their rows prevent it."""
    redis = str(app.conf.broker_url or "").startswith(("redis", "rediss", "valkey"))
    if redis and app.conf.task_acks_late:
        seconds = (app.conf.broker_transport_options or {}).get(
            "visibility_timeout", VISIBILITY_TIMEOUT_SECONDS
        )
        fact = f"Plain tasks that run longer than {seconds} s are run again: they acknowledge late."
        step = 'Raise CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"], or make them jobs.'
        yield warn(SUBJECT, fact, step)


def _eager_recycling(app: Celery) -> Iterator[Finding]:
    """Yield that processes are replaced too often."""
    limit = app.conf.worker_max_tasks_per_child
    if limit and limit < 10:
        fact = f"A worker process ends after {limit} tasks; most time goes into starting processes."
        yield warn(SUBJECT, fact, "Raise CELERY_WORKER_MAX_TASKS_PER_CHILD, if you can.")
