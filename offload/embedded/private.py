"""A private folder of its owner, with small JSON files."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


#: Write permissions of others.
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def make_safe(directory: Path) -> None:
    """Make the folder, for its owner alone, unless it exists; leave an existing one unchanged.

    Raise ConfigurationError if others can write into it or own it.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.stat()
    if found.st_uid != os.getuid() or found.st_mode & OTHERS_WRITE:
        mode = stat.S_IMODE(found.st_mode)
        raise ConfigurationError(
            setting="The embedded broker",
            problem=f"others can write into its folder {directory} (mode {mode:o}, owner "
            f"{found.st_uid}). Name a folder that is not there yet, or let only this user write "
            f"into it: chmod go-w {directory}",
        )


def read_json(path: Path) -> Any:
    """Return the JSON in the file, or None if there is none."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def write_json(path: Path, value: Any) -> None:
    """Replace the file's content by the value, atomically."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.touch(mode=0o600)
    try:
        fresh.write_text(json.dumps(value), encoding="utf-8")
        fresh.replace(path)
    except OSError:
        fresh.unlink()
        raise
