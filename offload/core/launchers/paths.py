"""Patterns of paths: topic patterns, whose segments may also hold ``*`` and ``?``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from offload.core.exceptions import InvalidPath, InvalidPathPattern
from offload.core.validation.filenames import check_file_name

#: The longest path, and the longest pattern, in characters.
PATH_MAX = 1024
PATTERN_MAX = 255
#: The characters that make a segment of a pattern match more than itself.
WILDCARDS = frozenset("*?")


def check_path(text: object) -> str:
    """Return a path with ``/`` between its parts, and none at its beginning.

    Raise InvalidPath if it is no text, is empty or too long, has ``..`` or a control character.
    """
    if not isinstance(text, str):
        raise InvalidPath(path=text, problem=f"it is of type {type(text).__name__}, not text")
    parts = [part for part in text.split("/") if part not in {"", "."}]
    if len(text) > PATH_MAX:
        problem = f"it has {len(text)} characters, {PATH_MAX} are allowed"
        raise InvalidPath(path=text, problem=problem)
    if not parts or text.endswith("/"):
        raise InvalidPath(path=text, problem="it names no file")
    for part in parts:
        _check_part(text, part)
    return "/".join(parts)


def _check_part(text: str, part: str) -> None:
    try:
        check_file_name(part)
    except ValueError as error:
        problem = getattr(error, "problem", str(error))
        raise InvalidPath(path=text, problem=f"of its part {part!r:.80}, {problem}") from error


@dataclass(frozen=True, slots=True)
class PathPattern:
    """A set of paths; made by `parse`, equal when the text is equal."""

    text: str
    _regex: re.Pattern[str] = field(compare=False, repr=False)
    # Orders patterns that match the same path: the greater is more specific.
    specificity: tuple[int, int, int] = field(compare=False, repr=False)

    @staticmethod
    def parse(text: object) -> PathPattern:
        """Read a pattern; raise InvalidPathPattern if it is none."""
        if not isinstance(text, str):
            raise InvalidPathPattern(
                pattern=text, problem=f"it is of type {type(text).__name__}, not text"
            )
        return _parse(text)

    def matches(self, path: str) -> bool:
        """Tell whether a path, as `check_path` returns it, is in the set."""
        return self._regex.fullmatch(path) is not None

    def __str__(self) -> str:
        return self.text


@lru_cache(maxsize=1024)
def _parse(text: str) -> PathPattern:
    segments = text.split("/")
    if problem := _problem(text, segments):
        raise InvalidPathPattern(pattern=text, problem=problem)
    regex = re.compile(_expression(segments), re.DOTALL)
    return PathPattern(text, regex, _specificity(segments))


def _problem(text: str, segments: list[str]) -> str:
    if not text:
        return "it is empty"
    if len(text) > PATTERN_MAX:
        return f"it has {len(text)} characters, {PATTERN_MAX} are allowed"
    if not text.isprintable() or "\\" in text:
        return "it has a character that no path has"
    for segment in segments:
        if segment in {"", ".", ".."}:
            return f"a segment is {segment!r}" if segment else "a segment is empty"
        if "**" in segment and segment != "**":
            return "'**' stands alone as a segment"
    return ""


def _expression(segments: list[str]) -> str:
    *folders, last = segments
    parts = ["(?:[^/]+/)*" if one == "**" else f"{_segment(one)}/" for one in folders]
    return "".join(parts) + (".+" if last == "**" else _segment(last))


def _segment(text: str) -> str:
    wildcards = {"*": "[^/]*", "?": "[^/]"}
    # A segment is never empty, so a lone asterisk is at least one character.
    return "[^/]+" if text == "*" else "".join(wildcards.get(one, re.escape(one)) for one in text)


def _specificity(segments: list[str]) -> tuple[int, int, int]:
    """Return how deep its fixed folder is, whether it has no ``**``, and its fixed characters."""
    wild = [bool(WILDCARDS.intersection(one)) for one in segments]
    folders = next((number for number, is_wild in enumerate(wild) if is_wild), len(segments))
    fixed = sum(len(one) - sum(map(one.count, WILDCARDS)) for one in segments)
    return folders, int("**" not in segments), fixed
