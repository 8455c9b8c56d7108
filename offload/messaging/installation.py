"""The Celery app that offload was installed into."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.exceptions import ConfigurationError
from offload.messaging.breaker import Breaker
from offload.messaging.log_throttle import LogThrottle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery


@dataclass(slots=True)
class Installation:
    """An app that offload was installed into, and what is known of its broker and its backend."""

    app: Celery | None = None
    #: Where the app is made.
    module: str = ""
    to_broker: Breaker = field(default_factory=Breaker)
    to_backend: Breaker = field(default_factory=Breaker)
    #: To the backend, or the broker for its sake, where it is told that a result is expected.
    to_replies: Breaker = field(default_factory=Breaker)
    #: For log lines about ends that fail again and again, such as while the backend is away.
    throttle: LogThrottle = field(default_factory=LogThrottle)

    def become(self, other: Installation) -> None:
        """Take all that the other one has."""
        for one in fields(self):
            setattr(self, one.name, getattr(other, one.name))


#: The installed app of this process: jobs are submitted anywhere, as Celery's tasks are, by callers
#: who have no app at hand.
current_installation = Installation()


def remember(app: Celery, *, module: str) -> None:
    """Make this the app that publishes and runs jobs; ``module`` is the module that makes it."""
    current_installation.become(Installation(app=app, module=module))


@contextmanager
def instead(app: Celery | None, *, module: str = "") -> Iterator[Installation]:
    """Install this app, or none, during a block.

    Its broker and its backend count as reachable until they turn out not to be.
    """
    before = replace(current_installation)
    current_installation.become(Installation(app=app, module=module))
    try:
        yield current_installation
    finally:
        current_installation.become(before)


def installed() -> Celery | None:
    """Return the app, or None if none is installed yet."""
    return current_installation.app


def installed_by() -> str:
    """Return the module that installed the app, or ""."""
    return current_installation.module


def module() -> str:
    """Return the module that another process imports to install the app."""
    return settings().celery_app or installed_by()


def celery_app() -> Celery:
    """Return the app.

    If none is installed yet, import the module that the setting CELERY_APP names. Raise
    ConfigurationError if there is none.
    """
    if current_installation.app is None and settings().celery_app:
        import_module(settings().celery_app)
    if current_installation.app is None:
        raise ConfigurationError(
            setting="offload.install",
            problem="no Celery app is installed. Write offload.install(app) where the app is made, "
            "and import that module in the project's __init__.py, or name it: "
            'OFFLOAD = {"CELERY_APP": "project.celery"}',
        )
    return current_installation.app
