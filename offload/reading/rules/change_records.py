"""The changes that people made of rules, switches and queues, and what they did to jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q

from offload.models import ChangeRecord, Job
from offload.models.change_records import SubjectKind
from offload.models.fields import DatabaseNow

if TYPE_CHECKING:
    from datetime import timedelta

    from django.db.models import QuerySet


def changes_of(kind: str, name: str) -> QuerySet[ChangeRecord]:
    """Return the changes of an instance, a glob, a label, a queue or a job, the newest first."""
    return ChangeRecord.objects.filter(kind=kind, subject=name)


def recent_changes(
    *, name: str = "", since: timedelta | None = None, most: int
) -> tuple[ChangeRecord, ...]:
    """Return the newest changes, at most that many.

    ``name`` narrows them down to an instance, a glob, a label or a queue of this name, to a job of
    this id or jobs of this topic, ``since`` to those that are no older.
    """
    found = ChangeRecord.objects.all()
    if name:
        of_topic = Job.objects.filter(pk=OuterRef("subject"), topic=name)
        found = found.filter(Q(subject=name) | Q(kind=SubjectKind.JOB) & Exists(of_topic))
    if since is not None:
        found = found.filter(at__gte=DatabaseNow() - since)
    return tuple(found[:most])
