"""Arranging rows of jobs for tests directly in the database, past the one writer of states.

For what no short way leads to, such as a job that ended years ago. Whatever a worker, an agent or
a site would do is done by the app itself: nothing is told here, and nothing fenced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.models import Job

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet


def arrange(jobs: QuerySet[Job], **columns: Any) -> int:
    """Give rows of jobs these columns; return how many."""
    return jobs.update(**columns)


def arrange_new(**columns: Any) -> Job:
    """Store a job as it is said to be."""
    return Job.objects.create(**columns)


def arrange_all(jobs: Iterable[Job]) -> None:
    """Store jobs as they are said to be."""
    Job.objects.bulk_create(jobs)
