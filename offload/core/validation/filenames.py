"""Names of the files of a payload: plain, or in folders as ``renditions/48.png``; never a path."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from offload.core.exceptions import InvalidName

# The longest name that file systems allow, in UTF-8.
NAME_BYTES_MAX = 255

# Control characters, lone surrogates, line and paragraph separators.
_UNPRINTABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})

# Overrides and embeddings of a writing direction, which can disguise a file's extension.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

_DRIVE = re.compile(r"[A-Za-z]:(/|$)")


def check_file_name(name: object) -> str:
    """Return the name as it is.

    Raise InvalidName if it is empty, too long, has a control character or a backslash, or leads
    anywhere but down from where it is put.
    """
    if not isinstance(name, str):
        raise InvalidName(name=name, problem=f"it is of type {type(name).__name__}, not text")
    if problem := _problem(name):
        raise InvalidName(name=name, problem=problem)
    return name


def _problem(name: str) -> str:
    if problem := _path_problem(name):
        return problem
    if any(unicodedata.category(character) in _UNPRINTABLE for character in name):
        return "it contains a control character"
    if not _TURNING.isdisjoint(name):
        return "it contains a character that turns the direction of writing"
    size = len(name.encode())
    return f"it has {size} bytes, {NAME_BYTES_MAX} are allowed" if size > NAME_BYTES_MAX else ""


def _path_problem(name: str) -> str:
    parts = name.split("/")
    if not name:
        return "it is empty"
    if name.startswith("/") or _DRIVE.match(name):
        return "it is an absolute path"
    if "\\" in name:
        return "it contains a backslash; folders are separated by '/'"
    if not {".", ".."}.isdisjoint(parts):
        return "'.' and '..' stand for folders"
    return "a part of it between slashes is empty" if "" in parts else ""


@dataclass(slots=True)
class NameSet:
    """Names of files that can stand side by side in any file system."""

    #: By the form that file systems compare.
    files: dict[str, str] = field(default_factory=dict)
    #: A file in each folder.
    folders: dict[str, str] = field(default_factory=dict)

    def add(self, name: str) -> None:
        """Add a valid name.

        Raise InvalidName if it differs from another one only in case or Unicode normalisation, or
        if one of the two is a folder of the other.
        """
        key = _folded(name)
        parents = [key[:end] for end, character in enumerate(key) if character == "/"]
        if (other := self.files.get(key, name)) != name:
            problem = f"only case or Unicode normalisation tells it from {other!r}"
            raise InvalidName(name=name, problem=problem)
        inside = self.folders.get(key) or next(
            (self.files[one] for one in parents if one in self.files), None
        )
        if inside is not None:
            raise InvalidName(name=name, problem=f"with {inside!r}, a file would be a folder too")
        self.files[key] = name
        self.folders.update(dict.fromkeys(parents, name))


def _folded(name: str) -> str:
    """Return the form in which file systems that ignore case and normalisation compare names."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())
