"""The settings, by the system checks, and the versions they are read by."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from django.core.checks import ERROR, run_checks

from offload.conf import settings
from offload.core.exceptions import ConfigurationError
from offload.diagnostics.finding import Finding, Level, fail, ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

PACKAGES = ("Django", "celery", "kombu")

SUBJECT = "settings"

#: Subject of a finding without whose cure nothing else can be examined.
UNREADABLE_SUBJECT = "OFFLOAD"


def examine() -> Iterator[Finding]:
    """Yield versions and what the system checks found."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield ok("versions", f"Python {platform.python_version()}, {versions}.")
    messages = [one for one in run_checks(tags=["offload"]) if not one.is_silenced()]
    yield from map(_finding, messages)
    if not messages:
        yield ok(SUBJECT, "The system checks found nothing.")
    try:
        settings()
    except (ConfigurationError, TypeError):
        told = "Nothing else was examined, because OFFLOAD cannot be read."
        step = "Correct OFFLOAD as described above, and run this again."
        yield fail(UNREADABLE_SUBJECT, told, step)


def _finding(message: CheckMessage) -> Finding:
    level = Level.FAIL if message.is_serious(ERROR) else Level.WARN
    told = f"{message.id}: {message.msg}"
    return Finding(level=level, subject=SUBJECT, fact=told, next_step=str(message.hint or ""))
