"""Ids of jobs: given as a handle, a UUID or a text, and always kept as text."""

from __future__ import annotations

import re
from typing import Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from offload.core.exceptions import InvalidId

#: The forms of a UUID: with or without dashes, in braces, as a URN, in any case.
UUID_FORM = re.compile(
    r"(?:urn:uuid:)?(\{)?[0-9a-f]{8}(-?)[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{4}\2[0-9a-f]{12}(?(1)\})",
    re.IGNORECASE | re.ASCII,
)
#: Longest id that the column holds, in characters.
ID_MAX = 255
#: Largest epoch that the column holds.
EPOCH_MAX = 2**31 - 1


@runtime_checkable
class Identified(Protocol):
    """An object with an id: the handle of a job, Celery's result of one, its row."""

    @property
    def id(self) -> str:
        """Return the id."""


#: The ways to name a job.
JobId: TypeAlias = "Identified | UUID | str"


def id_of(job: object) -> str:
    """Return the id of a job as text.

    Raise InvalidId unless ``job`` names one by a storable id.
    """
    text = job if isinstance(job, str) else _given(job)
    if not isinstance(text, str):
        raise InvalidId(job=job, problem=f"it is of type {type(job).__name__}")
    if problem := _problem(text):
        raise InvalidId(job=job, problem=problem)
    return text


def forms(text: str) -> tuple[str, ...]:
    """Return an id as given, then, if it is a UUID in another form, in the form of generated ids.

    A caller may have chosen an id in any form, so look for both, the given one first.
    """
    found = UUID(text.strip()) if UUID_FORM.fullmatch(text.strip()) else None
    usual = str(found) if found else text
    return (text,) if usual == text else (text, usual)


def _given(job: object) -> object:
    value = job.id if isinstance(job, Identified) else job
    return str(value) if isinstance(value, UUID) else value


def _problem(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > ID_MAX:
        return f"it has {len(text)} characters, {ID_MAX} are allowed"
    return "" if is_storable(text) else "it contains what is no character"


def is_id(value: object) -> bool:
    """Tell whether a value can be the id of a job."""
    return isinstance(value, str) and not _problem(value)


def is_epoch(value: object) -> bool:
    """Tell whether a value can be the epoch of a bound job."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= EPOCH_MAX


def is_storable(text: str) -> bool:
    """Tell whether every database can store a short text."""
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)
