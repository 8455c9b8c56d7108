"""Ids of jobs: given as a handle, a UUID or a text, and always kept as text."""

from __future__ import annotations

from typing import Protocol, TypeAlias, runtime_checkable
from uuid import UUID

from offload.core.exceptions import InvalidId

#: Characters: what the column of ids holds.
ID_MAX = 255


@runtime_checkable
class Identified(Protocol):
    """An object with an id: the handle of a job, Celery's result of one, its row."""

    @property
    def id(self) -> str:
        """Return the id."""


#: What a job is named by.
JobId: TypeAlias = "Identified | UUID | str"


def id_of(job: object) -> str:
    """Return the id that a job is named by, as text.

    Raise InvalidId for what names none, or cannot be stored.
    """
    text = job if isinstance(job, str) else _said(job)
    if not isinstance(text, str):
        raise InvalidId(job=job, problem=f"it is of type {type(job).__name__}")
    if problem := _problem(text):
        raise InvalidId(job=job, problem=problem)
    return text


def _said(job: object) -> object:
    value = job.id if isinstance(job, Identified) else job
    return str(value) if isinstance(value, UUID) else value


def _problem(text: str) -> str:
    if not text:
        return "it is empty"
    if len(text) > ID_MAX:
        return f"it has {len(text)} characters, {ID_MAX} are allowed"
    return "" if is_storable(text) else "it contains what is no character"


def is_storable(text: str) -> bool:
    """Tell whether a short text is one that every database takes."""
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= one <= "\udfff" for one in text)
