"""A new job, stored bound if there is room for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.db import database
from offload.db.statements import Statement, named, once_per_dialect, together
from offload.models.indexes import WAITING
from offload.tracking.binding import slots
from offload.tracking.binding.bindings import BOUND_COLUMNS, IN_WINDOW, JOB, UNMOVED, read_bound
from offload.tracking.drafts import COLUMNS, draft_placeholders

if TYPE_CHECKING:
    from offload.tracking.binding.bindings import BoundJob, Place
    from offload.tracking.drafts import Draft


def insert_bound(place: Place, draft: Draft) -> tuple[bool, list[BoundJob]]:
    """Store a new job, bound at once if the place has room and no job of its lane waits.

    Return whether it was new, and the bound job, if any.
    """
    inserting = Statement(_inserting(), named(place.params(), draft.facts()))
    found = together(*slots.lock(place.instance), inserting)[-1]
    return bool(found), read_bound([row[1:] for row in found if row[0] == JobState.QUEUED])


@once_per_dialect
def _inserting() -> str:
    """Return the SQL that stores a job as QUEUED if ``free`` is true, else as PENDING."""
    free = (
        f"SELECT {slots.is_mine()} AND {UNMOVED} "
        f"AND (SELECT count(*) FROM {JOB} WHERE {IN_WINDOW}) "
        f"< %(window)s AND NOT EXISTS (SELECT 1 FROM {JOB} WHERE {WAITING} AND lane = %(lane)s) "
        "AS free"
    )
    bound = {
        "state": f"CASE WHEN free THEN '{JobState.QUEUED}' ELSE '{JobState.PENDING}' END",
        "instance": "CASE WHEN free THEN %(instance)s ELSE '' END",
        "incarnation": "CASE WHEN free THEN %(incarnation)s ELSE '' END",
        "epoch": "CASE WHEN free THEN 1 ELSE 0 END",
        "bound_at": f"CASE WHEN free THEN {database.now()} END",
    }
    return (
        f"WITH room AS MATERIALIZED ({free}) "
        f"INSERT INTO {JOB} ({', '.join((*COLUMNS, *bound))}) "
        f"SELECT {draft_placeholders()}, {', '.join(bound.values())} FROM room WHERE true "
        f"ON CONFLICT (id) DO NOTHING RETURNING state, {', '.join(BOUND_COLUMNS)}"
    )
