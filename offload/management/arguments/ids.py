"""Ids of jobs as people write them: whole, or a unique beginning or end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.exceptions import UnknownJob
from offload.core.texts import ELLIPSIS
from offload.reading.jobs import lookup

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Shortest part of an id, in characters.
ID_PART_MIN = 4
#: Characters of an id that a narrow terminal shows.
ID_CHARACTERS_SHOWN = 12
#: Maximum number of jobs named if a part is ambiguous.
MATCHES_NAMED_MAX = 5


def whole(text: str) -> str:
    """Return the id of the one job that the text identifies.

    Raise UnknownJob if there is none, CommandError if there are several, or the text is too short.
    """
    if (key := lookup.with_id(text)) is not None:
        return key
    part = text.strip(ELLIPSIS)
    if len(part) < ID_PART_MIN:
        raise CommandError(
            f"{text!r} is not the id of a job, and too short for a part of one: write at least "
            f"{ID_PART_MIN} characters."
        )
    found = lookup.with_part(part, MATCHES_NAMED_MAX + 1)
    if not found:
        raise UnknownJob(job_id=text)
    if len(found) > 1:
        raise CommandError(_several(part, found))
    return found[0]


def all_whole(texts: Iterable[str]) -> list[str]:
    """Return the whole ids; a text that no job has stays unchanged."""
    return [_known(text) for text in texts]


def short(job_id: str) -> str:
    """Return the end of an id, which differs most, for a narrow terminal."""
    return (
        job_id
        if len(job_id) <= ID_CHARACTERS_SHOWN
        else f"{ELLIPSIS}{job_id[-ID_CHARACTERS_SHOWN:]}"
    )


def _known(text: str) -> str:
    try:
        return whole(text)
    except UnknownJob:
        return text


def _several(part: str, found: list[str]) -> str:
    more = " and more" if len(found) > MATCHES_NAMED_MAX else ""
    return (
        f"Several jobs have an id that begins or ends with {part!r}: "
        f"{', '.join(found[:MATCHES_NAMED_MAX])}{more}. Write more of it."
    )
