"""Locations of files in a storage: the folder of a payload, and a name made up for the file."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

#: The version of UUIDs that begin with the time.
TIMED_VERSION = 7


def made_at(name: str) -> float | None:
    """Return when a part of a location was made up, in seconds since the epoch; None if it was not.

    Names of other programs' files may look like anything.
    """
    with suppress(ValueError):
        found = UUID(name)
        if found.version == TIMED_VERSION and str(found) == name:
            return (found.int >> 80) / 1000
    return None
