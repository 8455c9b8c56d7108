"""A database or broker that is away, reported with its remedy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.diagnostics import broker, database
from offload.diagnostics.finding import Level, one_line

if TYPE_CHECKING:
    from offload.diagnostics.finding import Finding


def of_database(error: Exception) -> str:
    """Return what is wrong with the database that raised this, and what to do about it."""
    try:
        wrong = _first(list(database.examine()))
    except Exception:  # It may go away between two questions.
        wrong = ""
    return wrong or (
        f"The database said: {one_line(error)}. 'manage.py offload doctor' examines what else "
        "is wrong."
    )


def of_tables() -> str:
    """Return that tables are missing or old, and what to do about it; nothing where they are not.

    Raise DatabaseError where the database does not answer.
    """
    found = database.tables()
    return "" if found.level is Level.OK else _told(found)


def of_broker() -> str:
    """Return that the broker does not answer, and what to do about it; nothing where it does."""
    return _first(list(broker.examine()))


def _first(found: list[Finding]) -> str:
    return next((_told(one) for one in found if one.level is Level.FAIL), "")


def _told(finding: Finding) -> str:
    return f"{finding.fact} {finding.next_step}".strip()
