"""The Celery app that offload was installed into."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

_installed: list[tuple[Celery, str]] = []


def remember(app: Celery, *, module: str) -> None:
    """Make this the app that jobs are published and run by; ``module`` is where it is made."""
    _installed[:] = [(app, module)]


@contextmanager
def instead(app: Celery | None, *, module: str = "") -> Iterator[None]:
    """Have this app installed during a block, or none, in place of the one that is."""
    before = list(_installed)
    _installed[:] = [(app, module)] if app else []
    try:
        yield
    finally:
        _installed[:] = before


def installed() -> Celery | None:
    """Return the app, or None where none is installed yet."""
    return _installed[0][0] if _installed else None


def installed_by() -> str:
    """Return the module that installed the app, or nothing."""
    return _installed[0][1] if _installed else ""


def module() -> str:
    """Return the module to import in order to have the app installed in another process."""
    return settings().celery_app or installed_by()


def celery_app() -> Celery:
    """Return the app.

    Import the module the setting CELERY_APP names where none is installed yet. Raise
    ConfigurationError where there is none.
    """
    if not _installed and settings().celery_app:
        import_module(settings().celery_app)
    if not _installed:
        raise ConfigurationError(
            setting="offload.install",
            problem="no Celery app is installed. Write offload.install(app) where the app is made, "
            "and import that module in the project's __init__.py, or name it: "
            'OFFLOAD = {"CELERY_APP": "project.celery"}',
        )
    return _installed[0][0]
