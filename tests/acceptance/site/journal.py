"""A journal of what really ran, whatever the database says: one line per event in a file."""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in a process that ran a job or a plain task."""

    what: str
    job: str
    instance: str = ""
    epoch: int = 0
    pid: int = 0
    at: float = 0.0


def journal() -> Path:
    """Return the file."""
    return Path(os.environ["ACCEPTANCE_FOLDER"]) / "journal"


def note(what: str, job: str, *, instance: str = "", epoch: int = 0) -> None:
    """Write an event down."""
    event = Event(
        what=what, job=job, instance=instance, epoch=epoch, pid=os.getpid(), at=time.time()
    )
    # One short write to a file opened for appending is never torn.
    with journal().open("ab", buffering=0) as file:
        file.write(json.dumps(asdict(event)).encode() + b"\n")


def events(
    job: str | None = None, what: str | None = None, folder: Path | None = None
) -> list[Event]:
    """Return the events, of one job or kind if given; ``folder`` is that of another place."""
    path = folder / "journal" if folder else journal()
    if not path.exists():
        return []
    found = [Event(**json.loads(line)) for line in path.read_text().splitlines()]
    return [one for one in found if job in {None, one.job} and what in {None, one.what}]
