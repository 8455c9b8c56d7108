"""Launchers that are switched off, and watched folders that cannot be read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.diagnostics.finding import Finding, ok, warn
from offload.models.launching.launcher_rows import EVERYWHERE
from offload.reading.runs import launcher_lines

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "launchers"


def examine() -> Iterator[Finding]:
    """Yield the reasons why launchers start no runs; nothing if there are none."""
    given = settings()
    count = launcher_lines.enabled_count()
    if not count and not given.watch:
        return
    yield from _switches()
    for name, folder in given.watch.items():
        if not os.access(folder, os.R_OK | os.X_OK):
            fact = f"The watched folder {name}, {folder}, cannot be read from this host."
            yield warn(SUBJECT, fact, "Make it, or let agents of another host watch: WATCH_BY.")
    if given.watch and not count:
        fact = "Folders are watched, but no launcher is enabled: nothing starts."
        yield warn(SUBJECT, fact, "Add one in the admin, or see: manage.py offload launchers")
    if count:
        yield ok(SUBJECT, f"Enabled launchers: {count}.")


def _switches() -> Iterator[Finding]:
    if settings().launchers_off:
        step = "Leave the key out, and restart the processes."
        yield warn(SUBJECT, 'Launchers are off: OFFLOAD["LAUNCHERS_OFF"].', step)
    for row in launcher_lines.switches():
        where = f" --instance {row.instance}" if row.instance != EVERYWHERE else ""
        note = f": {row.note}" if row.note else ""
        whose = row.instance if where else "this site"
        fact = f"Launchers of {whose} are switched off{note}."
        yield warn(SUBJECT, fact, f"To switch them on: manage.py offload launchers on{where}")
