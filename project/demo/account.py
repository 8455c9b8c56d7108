"""The files in the folder of a site, and those that the two sites sent each other."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from django.conf import settings
from django.core.files.storage import storages

from offload.models import DyingFile, FileTransfer, KeptFile, PayloadFile
from project.demo.ran import Ran, steps_of_whole_runs

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A file in a site's folder, and what would show that it was written anew, or is shared."""

    path: str
    inode: tuple[int, int]
    written_at: int
    links: int
    is_link: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A file of a job that went from one site to the other."""

    job: str
    direction: str
    name: str
    transport: str
    sent: int
    saved: int

    @classmethod
    def of(cls, row: FileTransfer) -> Self:
        """Return the facts of a row."""
        return cls(
            job=row.job_id,
            direction=row.direction,
            name=row.name,
            transport=row.transport,
            sent=row.sent,
            saved=row.saved,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A site's files, as the site sees them."""

    site: str
    folder: str
    held: tuple[Held, ...]
    #: Files among those of jobs that no row of the site names.
    orphans: tuple[str, ...]
    moved: tuple[Moved, ...]
    #: The steps that it ran of runs that came whole.
    ran: tuple[Ran, ...] = ()

    @classmethod
    def here(cls) -> Self:
        """Return that of this process's site."""
        # The rows first: a file may be deleted in between, and none is stored any more.
        known = known_paths()
        held = tuple(held_in(settings.FOLDER))
        own = storages["offload"].path("")
        stored = [one.path for one in held if Path(one.path).is_relative_to(own)]
        return cls(
            site=settings.SITE,
            folder=str(settings.FOLDER),
            held=held,
            orphans=tuple(path for path in stored if path not in known),
            moved=tuple(map(Moved.of, FileTransfer.objects.all())),
            ran=tuple(map(Ran.of, steps_of_whole_runs())),
        )

    @classmethod
    def load(cls, path: Path) -> Self:
        """Return the one that `write` wrote there."""
        said = json.loads(path.read_text(encoding="utf-8"))
        held = tuple(Held(**{**one, "inode": tuple(one["inode"])}) for one in said["held"])
        moved = tuple(Moved(**one) for one in said["moved"])
        ran, orphans = tuple(Ran(**one) for one in said["ran"]), tuple(said["orphans"])
        return cls(**{**said, "held": held, "moved": moved, "ran": ran, "orphans": orphans})

    def write(self, path: Path) -> None:
        """Write it where a process of the other site reads it."""
        path.write_text(json.dumps(asdict(self)), encoding="utf-8")

    def of(self, path: str) -> Held | None:
        """Return the file at a path."""
        return next((one for one in self.held if one.path == path), None)


def known_paths() -> set[str]:
    """Return where files are that rows of this site name."""
    rows = PayloadFile.objects.values_list("location").union(
        DyingFile.objects.values_list("location"),
        KeptFile.objects.values_list("location"),
        FileTransfer.objects.values_list("location"),
        FileTransfer.objects.values_list("part"),
    )
    return {storages["offload"].path(location) for (location,) in rows if location}


def held_in(folder: Path) -> Iterator[Held]:
    """Yield the files in the folder and below it."""
    for place, _, names in os.walk(folder):
        for name in names:
            if (found := held(Path(place) / name)) is not None:
                yield found


def held(path: Path) -> Held | None:
    """Return the file at the path, unless it is gone."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return Held(
        path=str(path),
        inode=(found.st_dev, found.st_ino),
        written_at=found.st_mtime_ns,
        links=found.st_nlink,
        is_link=path.is_symlink(),
    )
