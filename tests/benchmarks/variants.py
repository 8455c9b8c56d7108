"""What is compared: bare Celery, Celery with results in the database, and jobs."""

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


VARIANTS = (
    Variant(key="bare", label="Celery, results ignored", results=False, started=False, kept=False),
    Variant(key="stock", label="Celery + django-db as it comes", kept=False),
    Variant(key="tuned", label="Celery + django-db, connections kept"),
    Variant(key="offload", label="offload", offload=True),
    Variant(key="quiet", label="offload, STARTED not stored", offload=True, started=False),
)


def variant(key: str) -> Variant:
    """Return the variant of that key."""
    return next(one for one in VARIANTS if one.key == key)
