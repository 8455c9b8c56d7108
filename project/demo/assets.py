"""The images that the demo works on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

#: The photographs that come with the project.
PHOTOS = Path(__file__).resolve().parent.parent / "photos"


class NoAssets(Exception):
    """There is nothing to work on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file that goes through the workflow."""

    path: Path
    #: Its path below the folder as plain text, whatever bytes the name is made of.
    name: str
    #: Whether it comes with the project, so that every step of it must succeed.
    is_ours: bool


def assets_in(folder: Path) -> list[Asset]:
    """Return the files in the folder and below it, hidden ones left out.

    Raise NoAssets if it is no folder or holds no file.
    """
    if not folder.is_dir():
        raise NoAssets(f"{folder} is no folder. Name one that holds images.")
    paths = sorted(
        path for path in folder.rglob("*") if may_be_file(path) and not hidden(path, folder)
    )
    if not paths:
        raise NoAssets(f"There is no file in {folder}. Put images in it, or name another folder.")
    ours = folder.resolve() == PHOTOS
    return [Asset(path=path, name=shown(path, folder), is_ours=ours) for path in paths]


def may_be_file(path: Path) -> bool:
    """Return whether the path is a file, or its folder does not let that be seen."""
    try:
        return path.is_file()
    except OSError:
        return True


def hidden(path: Path, folder: Path) -> bool:
    """Return whether the file or a folder above it has a name that begins with a dot."""
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def shown(path: Path, folder: Path) -> str:
    """Return the path below the folder as text that can be stored and printed."""
    text = os.fsencode(path.relative_to(folder)).decode("utf-8", "backslashreplace")
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
