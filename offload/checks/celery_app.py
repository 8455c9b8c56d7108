"""Checks of Celery as the installed app has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import celery
import kombu
from django.apps import apps
from django.core.checks import Error, Warning  # noqa: A004 -- Django's name for it
from django.db.models.signals import post_save, pre_save
from django.utils.version import get_version_tuple

from offload.checks.offload_settings import readable
from offload.conf import settings
from offload.core.exceptions import ConfigurationError
from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from celery import Celery
    from django.core.checks import CheckMessage

#: Older versions consume, after a reconnect, queues that they had only published to.
TRANSPORT_VERSION_MIN = (5, 7)

INSTALL_LINES = """\
In project/celery.py:

app = Celery("project")
app.config_from_object("django.conf:settings", namespace="CELERY")
offload.install(app)

and in project/__init__.py: from project.celery import app as celery_app"""


def check(**_: object) -> list[CheckMessage]:
    """Check the versions, the installed app and its settings."""
    found = [message for name in ("celery", "kombu") for message in _outdated(name)]
    if readable() is None:
        return found
    try:
        app = celery_app()
    except (ConfigurationError, ImportError) as error:
        return [
            *found,
            Error(f"Nothing can be published: {error}", INSTALL_LINES, id="offload.E014"),
        ]
    return [
        *found,
        *_protocol(app),
        *_results(app),
        *_listeners(app),
        *_eager(app),
        *_connections(app),
    ]


def versions() -> dict[str, str]:
    """Return the installed versions of what carries messages; metadata would be slower to read."""
    return {"celery": celery.__version__, "kombu": kombu.__version__}  # type: ignore[attr-defined]


def _outdated(name: str) -> list[CheckMessage]:
    installed = versions()[name]
    if get_version_tuple(installed) >= TRANSPORT_VERSION_MIN:
        return []
    least = ".".join(map(str, TRANSPORT_VERSION_MIN))
    return [
        Error(
            f"{name} {installed} is installed; before {least} a worker consumed other instances' "
            "queues after a reconnect.",
            f"Run: pip install '{name}>={least}'",
            id="offload.E012",
        )
    ]


def _protocol(app: Celery) -> list[CheckMessage]:
    if app.conf.task_protocol != 1:  # K2d
        return []
    fact = "Celery's task protocol 1 has no headers, so a message cannot say which job it is."
    return [Error(fact, "Remove CELERY_TASK_PROTOCOL, or write 2.", id="offload.E010")]


def _results(app: Celery) -> list[CheckMessage]:
    backend = str(app.conf.result_backend or "")
    if backend.startswith("rpc"):
        return [
            Warning(
                "Celery's result backend is rpc://: only the process that submitted a job can "
                "read its result, once and while it lives; AsyncResult says PENDING elsewhere.",
                'Write CELERY_RESULT_BACKEND = "django-db". job.result() works with either.',
                id="offload.W004",
            )
        ]
    if backend.startswith("django") and not apps.is_installed("django_celery_results"):
        return [
            Error(
                f"The result backend is {backend!r}, and its tables are not installed.",
                'Add "django_celery_results" to INSTALLED_APPS and run: manage.py migrate',
                id="offload.E011",
            )
        ]
    return []


def _listeners(app: Celery) -> list[CheckMessage]:
    """Warn of receivers of TaskResult's signals that are never called for jobs."""
    is_djangos = str(app.conf.result_backend or "").startswith("django")
    is_installed = apps.is_installed("django_celery_results")
    if not (is_djangos and is_installed and settings().results_in_transaction):
        return []
    model = apps.get_model("django_celery_results", "TaskResult")
    senders = {key[1] for one in (pre_save, post_save) for key, *_ in one.receivers}
    if id(model) not in senders:
        return []
    return [
        Warning(
            "Receivers of TaskResult's pre_save or post_save are not called for jobs, whose "
            "results are written by a statement with their ends.",
            'Write OFFLOAD = {"RESULTS_IN_TRANSACTION": False} to have results saved by the '
            "backend itself, after the ends.",
            id="offload.W011",
        )
    ]


def _eager(app: Celery) -> list[CheckMessage]:
    if not app.conf.task_always_eager:
        return []
    fact = (
        "Tasks run at once in their caller: .delay() and .apply_async() make no jobs. "
        "offload.submit() stores one all the same, which waits for a worker."
    )
    hint = (
        "Remove CELERY_TASK_ALWAYS_EAGER outside of tests; in a test, run_jobs() of "
        "offload.testing runs what waits."
    )
    return [Warning(fact, hint, id="offload.W005")]


def _connections(app: Celery) -> list[CheckMessage]:
    if app.conf.get("CELERY_DB_REUSE_MAX"):
        return []
    return [
        Warning(
            "Celery closes every database connection before and after each task, which more "
            "than halves how many jobs run on PostgreSQL.",
            'Write OFFLOAD = {"KEEP_CONNECTIONS": True}, the default, or CELERY_DB_REUSE_MAX.',
            id="offload.W006",
        )
    ]
