"""Installing offload into a Celery app."""

from __future__ import annotations

import sys

from celery import Celery
from django.apps import apps

from offload.core.exceptions import ConfigurationError, InvalidApp
from offload.core.lazy import load
from offload.messaging.installation import installed, installed_by, remember
from offload.worker import connections
from offload.worker.parent import boot
from offload.worker.tasks import builtin_tasks

#: Shared tasks, which every app knows once they are imported.
SHARED_TASKS = (builtin_tasks.run_map, builtin_tasks.run_errback)


def install(app: Celery) -> None:
    """Turn calls of this app's tasks into jobs, and its workers into instances.

    ``app`` is the site's Celery app. Call this in the module that makes the app, after
    ``config_from_object``. Submitting jobs needs no broker; a worker needs nothing but ``celery -A
    project worker``. Raise ConfigurationError if another module has installed offload into an app
    of its own, InvalidApp if ``app`` is no Celery app.
    """
    if not isinstance(app, Celery):
        raise InvalidApp(app=app)
    module = sys._getframe(1).f_globals.get("__name__", "")
    refuse_second(app, module)
    remember(app, module=module)
    app.add_defaults(connections.celery_defaults)
    app.control_cls = "offload.worker.parent.control:JobControl"
    app.autodiscover_tasks(related_name="consumers")
    boot.connect(app)
    if apps.ready:
        complete()


def refuse_second(app: Celery, module: str) -> None:
    """Let only one app send jobs: workers of another might wait at a broker that gets none.

    Raise ConfigurationError if another module has installed another app.
    """
    first, known = installed(), installed_by()
    if first is not None and first is not app and known != module:
        raise ConfigurationError(
            setting="offload.install",
            problem=f"it was called for {first.main!r} in {known} before it was called for "
            f"{app.main!r} in {module}. A site's jobs are sent by one app: call it for that one "
            "only. Tasks of jobs may be called whichever app is current",
        )


def complete() -> None:
    """Hook the installed app's sending side, once Django's models can be imported."""
    app = installed()
    if app is not None:
        load("offload.canvas.hooks:install")(app)
