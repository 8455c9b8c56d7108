"""The compared variants: bare Celery, Celery with results in the database, and jobs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One contender."""

    key: str
    label: str
    #: Whether calls are jobs.
    offload: bool = False
    #: Whether the result is stored in the database.
    results: bool = True
    #: Whether STARTED is stored too.
    started: bool = True
    #: Whether workers keep their database connection over tasks.
    kept: bool = True
    #: Whether another cluster runs the jobs.
    remote: bool = False


VARIANTS = (
    Variant(key="bare", label="Celery, results ignored", results=False, started=False, kept=False),
    Variant(key="stock", label="Celery + django-db as it comes", kept=False),
    Variant(key="tuned", label="Celery + django-db, connections kept"),
    Variant(key="offload", label="offload", offload=True),
    Variant(key="quiet", label="offload, STARTED not stored", offload=True, started=False),
)
#: Where a job runs: measured apart, since a job that travels takes a thousand times as long.
PLACES = (
    Variant(key="local", label="in the own cluster", offload=True),
    Variant(key="remote", label="in another cluster", offload=True, remote=True),
)
#: Who runs the sample workflow.
FLOWS = ("tuned", "offload")


def variant(key: str) -> Variant:
    """Return the variant of that key."""
    return next(one for one in (*VARIANTS, *PLACES) if one.key == key)
