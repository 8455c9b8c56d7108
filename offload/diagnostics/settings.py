"""The settings, examined by the system checks, and the versions of the packages."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING

from django.core.checks import ERROR, run_checks

from offload.conf import peers, settings
from offload.core.exceptions import ConfigurationError
from offload.diagnostics.finding import Finding, Level, fail, ok

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

PACKAGES = ("Django", "celery", "kombu")

SUBJECT = "settings"

#: Subject of a finding that prevents every other examination.
UNREADABLE_SUBJECT = "OFFLOAD"


def examine() -> Iterator[Finding]:
    """Yield the versions, and the findings of the system checks."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield ok("versions", f"Python {platform.python_version()}, {versions}.")
    messages = [one for one in run_checks(tags=["offload"]) if not one.is_silenced()]
    yield from map(_finding, messages)
    if not messages:
        yield ok(SUBJECT, "The system checks found nothing.")
    try:
        settings()
        peers()
    except (ConfigurationError, TypeError):
        fact = "Nothing else was examined, because OFFLOAD cannot be read."
        step = "Correct OFFLOAD as described above, and run this again."
        yield fail(UNREADABLE_SUBJECT, fact, step)


def _finding(message: CheckMessage) -> Finding:
    level = Level.FAIL if message.is_serious(ERROR) else Level.WARN
    fact = f"{message.id}: {message.msg}"
    return Finding(level=level, subject=SUBJECT, fact=fact, next_step=str(message.hint or ""))
