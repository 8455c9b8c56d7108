"""Ids of runs in a terminal: whole, or enough of them."""

from __future__ import annotations

from django.core.management import CommandError

from offload.core.exceptions import UnknownRun
from offload.management.arguments.ids import ID_PART_MIN
from offload.reading.runs import run_lines


def whole(text: str) -> str:
    """Return the id of the one run that the text identifies; raise UnknownRun, CommandError."""
    if run_lines.find(text) is not None:
        return text
    found = run_lines.with_part(text, 2) if len(text) >= ID_PART_MIN else ()
    if len(found) > 1:
        raise CommandError(f"Several runs have an id like {text!r}. Write more of it.")
    if not found:
        raise UnknownRun(run_id=text)
    return str(found[0])
