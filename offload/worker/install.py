"""Putting offload into a Celery app."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from django.apps import apps

from offload.conf import settings
from offload.engine.installation import installed, remember
from offload.worker import boot, carriers
from offload.worker.late import late

if TYPE_CHECKING:
    from celery import Celery

#: Shared tasks: importing them makes every app know them.
SHARED = (carriers.run_map, carriers.run_errback)
#: Tasks between two closings of a kept connection: never, in effect.
FOR_EVER = 1_000_000_000


def install(app: Celery) -> None:
    """Make tasks of this app jobs, and its workers instances.

    Call it in the module that makes the app, after ``config_from_object``. Jobs that are
    submitted need no broker; the worker needs nothing but ``celery -A project worker``.
    """
    remember(app, module=sys._getframe(1).f_globals.get("__name__", ""))
    app.add_defaults(_defaults)
    app.control_cls = "offload.worker.control:JobControl"
    app.autodiscover_tasks(related_name="consumers")
    boot.connect(app)
    if apps.ready:
        complete()


def _defaults() -> dict[str, object]:
    return {"CELERY_DB_REUSE_MAX": FOR_EVER} if settings().keep_connections else {}


def complete() -> None:
    """Hook the installed app's sending side, once Django's models can be imported."""
    app = installed()
    if app is not None:
        late("offload.engine.canvas.hooks:install")(app)
