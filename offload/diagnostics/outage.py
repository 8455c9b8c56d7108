"""An unreachable database or broker, reported with the next step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.diagnostics import broker, database
from offload.diagnostics.finding import Level, one_line

if TYPE_CHECKING:
    from offload.diagnostics.finding import Finding


def of_database(error: Exception) -> str:
    """Return the problem of the database that raised this error, and the next step."""
    try:
        wrong = _first(list(database.examine()))
    except Exception:  # The connection may break between two statements.
        wrong = ""
    return wrong or (
        f"The database said: {one_line(error)}. 'manage.py offload doctor' examines what else "
        "is wrong."
    )


def of_tables() -> str:
    """Return that tables are missing or old, with the next step; "" if they are fine.

    Raise DatabaseError if the database does not answer.
    """
    found = database.tables()
    return "" if found.level is Level.OK else _text(found)


def of_broker() -> str:
    """Return that the broker does not answer, with the next step; "" if it answers."""
    return _first(list(broker.examine()))


def _first(found: list[Finding]) -> str:
    return next((_text(one) for one in found if one.level is Level.FAIL), "")


def _text(finding: Finding) -> str:
    return f"{finding.fact} {finding.next_step}".strip()
