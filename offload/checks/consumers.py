"""Checks of the site's consumers and workflows: whether a worker with this code would start."""

from __future__ import annotations

import sys
from contextvars import ContextVar
from typing import TYPE_CHECKING

from django.core.checks import Error

from offload.checks import workflows
from offload.checks.offload_settings import readable
from offload.core.exceptions import ConfigurationError
from offload.diagnostics import modules
from offload.fleet.clashes import clashes
from offload.fleet.consumers import announcements
from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from offload.diagnostics import Finding

#: Whether the consumers are being imported, before which Celery runs all checks itself.
_imports: ContextVar[bool] = ContextVar("imports", default=False)


def check(**_: object) -> list[CheckMessage]:
    """Check that consumers can be imported and would run, and that workflows could start.

    Importing them may do anything, and Django checks before nearly every command: so they are
    imported for ``manage.py check`` alone, and once, since Celery runs all checks before that.
    """
    if sys.argv[1:2] != ["check"] or _imports.get() or readable() is None:
        return []
    try:
        app = celery_app()
    except (ConfigurationError, ImportError):
        # The check of the transport says it.
        return []
    if found := _unimported():
        return [Error(one.fact, one.next_step, id="offload.E021") for one in found]
    if problems := clashes(announcements(app.tasks)):
        hint = "No worker with this code starts."
        return [Error(one, hint, id="offload.E020") for one in problems]
    return workflows.found()


def _unimported() -> list[Finding]:
    """Import the consumers, and return what cannot be imported."""
    token = _imports.set(True)
    try:
        return [*modules.examine()]
    finally:
        _imports.reset(token)
