"""Files of a watched folder that lie still: neither size nor time changed for a while."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class Stamp:
    """Size and time, which tell one state of a file from another without reading it."""

    #: Bytes.
    size: int
    #: Nanoseconds, by the clock of the file's system.
    modified: int

    def __str__(self) -> str:
        """Return it as text that a row can keep."""
        return f"{self.size}:{self.modified}"


@dataclass(frozen=True, slots=True)
class StillFile:
    """A file as it was found."""

    stamp: Stamp
    #: The time when it was found in this state, in seconds of a clock that never goes back.
    since: float
    #: Whether it was handled in this state.
    is_done: bool = False


def observed(
    known: Mapping[str, StillFile], found: Mapping[str, Stamp], now: float
) -> dict[str, StillFile]:
    """Return the known files once these were found; those that are gone are forgotten."""
    return {
        path: known[path]
        if path in known and known[path].stamp == stamp
        else StillFile(stamp=stamp, since=now)
        for path, stamp in found.items()
    }


def due(known: Mapping[str, StillFile], now: float, still: float) -> list[str]:
    """Return the files that have been still for so many seconds and were not handled, by age."""
    ready = [path for path, one in known.items() if not one.is_done and now - one.since >= still]
    return sorted(ready, key=lambda path: (known[path].since, path))


def handled(known: Mapping[str, StillFile], paths: Collection[str]) -> dict[str, StillFile]:
    """Return the known files once these were handled."""
    return {
        path: replace(one, is_done=True) if path in paths else one for path, one in known.items()
    }
