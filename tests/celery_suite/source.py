"""The suite itself: in the source distribution of the Celery that is installed here."""

from __future__ import annotations

import subprocess
import sys
import tarfile
from importlib.metadata import version
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: The parts to unpack; the rest would hide the installed Celery.
PARTS = ("t/", "pyproject.toml")


def unpacked(cache: Path) -> Path:
    """Return the folder with the suite, which is fetched where the cache does not have it."""
    name = f"celery-{version('celery')}"
    archive = cache / f"{name}.tar.gz"
    if not archive.exists():
        _fetch(cache)
    if not (cache / name).exists():
        _unpack(archive, cache, name)
    return cache / name


def _fetch(cache: Path) -> None:
    pinned = f"celery=={version('celery')}"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--no-binary", "celery"]
    subprocess.run(
        [sys.executable, "-m", "pip", "download", *options, "--dest", str(cache), pinned],
        check=True,
        stdin=subprocess.DEVNULL,
    )


def _unpack(archive: Path, cache: Path, name: str) -> None:
    with tarfile.open(archive) as opened:
        wanted = tuple(f"{name}/{part}" for part in PARTS)
        members = [one for one in opened.getmembers() if one.name.startswith(wanted)]
        opened.extractall(cache, members=members, filter="data")
