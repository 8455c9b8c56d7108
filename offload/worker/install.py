"""Putting offload into a Celery app."""

from __future__ import annotations

import sys

from celery import Celery
from django.apps import apps

from offload.conf import settings
from offload.core.exceptions import ConfigurationError, InvalidApp
from offload.messaging.installation import installed, installed_by, remember
from offload.worker.lazy import lazy
from offload.worker.parent import boot
from offload.worker.tasks import builtin_tasks

#: Shared tasks: importing them makes every app know them.
SHARED_TASKS = (builtin_tasks.run_map, builtin_tasks.run_errback)
#: Tasks between two closings of a kept connection: never, in effect.
CLOSE_AFTER_TASKS = 1_000_000_000


def install(app: Celery) -> None:
    """Make tasks of this app jobs, and its workers instances.

    Call it in the module that makes the app, after ``config_from_object``. Jobs that are
    submitted need no broker; the worker needs nothing but ``celery -A project worker``. Raise
    ConfigurationError where another module has installed it into an app of its own, InvalidApp
    for what is no Celery app.
    """
    if not isinstance(app, Celery):
        raise InvalidApp(app=app)
    module = sys._getframe(1).f_globals.get("__name__", "")
    refuse_second(app, module)
    remember(app, module=module)
    app.add_defaults(_defaults)
    app.control_cls = "offload.worker.parent.control:JobControl"
    app.autodiscover_tasks(related_name="consumers")
    boot.connect(app)
    if apps.ready:
        complete()


def refuse_second(app: Celery, module: str) -> None:
    """Let one app send all jobs: a worker of another would wait at a broker they never reach.

    Raise ConfigurationError where another module has installed another app.
    """
    first, known = installed(), installed_by()
    if first is not None and first is not app and known != module:
        raise ConfigurationError(
            setting="offload.install",
            problem=f"it was called for {first.main!r} in {known} before it was called for "
            f"{app.main!r} in {module}. A site's jobs are sent by one app: call it for that one "
            "only. Tasks of jobs may be called whichever app is current",
        )


def _defaults() -> dict[str, object]:
    return {"CELERY_DB_REUSE_MAX": CLOSE_AFTER_TASKS} if settings().keep_connections else {}


def complete() -> None:
    """Hook the installed app's sending side, once Django's models can be imported."""
    app = installed()
    if app is not None:
        lazy("offload.canvas.hooks:install")(app)
