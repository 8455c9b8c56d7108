"""Ids of jobs as people write them: whole, or a beginning or an end that no other job has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management import CommandError
from django.db.models import Q

from offload.core.exceptions import UnknownJob
from offload.management.terminal import ELLIPSIS
from offload.models import Job

if TYPE_CHECKING:
    from collections.abc import Iterable

#: Characters that a part of an id has at least.
ID_PART_MIN = 4
#: Characters of an id that a narrow terminal shows.
ID_CHARACTERS_SHOWN = 12
#: Jobs that are named where a part is not enough.
NAMED_JOBS = 5


def whole(text: str) -> str:
    """Return the id of the one job that is meant.

    Raise UnknownJob where there is none, CommandError where there are several, or it is too short.
    """
    key = Job.objects.key(text)
    if Job.objects.filter(pk=key).exists():
        return key
    part = text.strip(ELLIPSIS)
    if len(part) < ID_PART_MIN:
        raise CommandError(
            f"{text!r} is not the id of a job, and too short for a part of one: write at least "
            f"{ID_PART_MIN} characters."
        )
    found = _with(part)
    if not found:
        raise UnknownJob(job_id=text)
    if len(found) > 1:
        raise CommandError(_several(part, found))
    return found[0]


def all_whole(texts: Iterable[str]) -> list[str]:
    """Return the ids that are meant; what no job has stays as it was written."""
    return [_known(text) for text in texts]


def short(job_id: str) -> str:
    """Return an id as a narrow terminal shows it: its end, which differs most."""
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


def _with(part: str) -> list[str]:
    found = Job.objects.filter(Q(pk__startswith=part) | Q(pk__endswith=part))
    return list(found.order_by("-created_at", "-pk").values_list("pk", flat=True)[: NAMED_JOBS + 1])


def _several(part: str, found: list[str]) -> str:
    more = " and more" if len(found) > NAMED_JOBS else ""
    return (
        f"Several jobs have an id that begins or ends with {part!r}: "
        f"{', '.join(found[:NAMED_JOBS])}{more}. Write more of it."
    )
