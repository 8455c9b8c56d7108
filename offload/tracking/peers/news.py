"""News of clones: how much of each was reported, and what is due (P3, P4).

The clone's row is the report: what it says is committed with it. What is not reported yet is found
by comparing the two, so no transition of a job writes anything for its home.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.states import JobState
from offload.db import database
from offload.models import AttemptLog, Job, News
from offload.models.indexes import UNSTARTED

if TYPE_CHECKING:
    from collections.abc import Iterable

JOB, TABLE, LOG = Job._meta.db_table, News._meta.db_table, AttemptLog._meta.db_table
#: The news in a report: nothing yet, the beginning, the end; or that there is no clone.
NOTHING, BEGUN, ENDED, REFUSED, WITHDRAWN = "", "started", "ended", "refused", "withdrawn"
#: The news that the outputs of a clone cannot be sent (P12).
UNSENT = "unsent"
#: After these, a verdict ends the news.
LAST = frozenset({ENDED, REFUSED, WITHDRAWN, UNSENT})
#: The news that there is of a binding. A clone whose row is gone has ended, without a result.
TO_REPORT = (
    f"CASE WHEN n.reported IN ('{REFUSED}', '{WITHDRAWN}', '{UNSENT}') THEN n.reported "
    f"WHEN j.{UNSTARTED} THEN '{NOTHING}' "
    f"WHEN j.state = '{JobState.ACTIVE}' THEN '{BEGUN}' ELSE '{ENDED}' END"
)
CLONE_OF_IT = "j.id = n.job_id AND j.home = n.home AND j.home_epoch = n.epoch"
#: Seconds until a report is sent again: doubled each time, up to a minute.
PAUSE = "CASE WHEN tries < 6 THEN (1 << tries) ELSE 60 END"


#: The columns of a report.
FACTS = ("job_id", "epoch", "number", "reported", "reason")


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A report that is to be sent."""

    job_id: str
    epoch: int
    number: int
    reported: str
    reason: str


def open_(job_id: str, home: str, epoch: int, *, allowed: Iterable[str]) -> None:
    """Begin the news of a clone, in the place of those of an older binding (P6)."""
    places = "|".join(["", *allowed, ""])
    _write(job_id, home, epoch, {"allowed": places, "number": 0, "reported": "", "reason": ""})


def report_without_clone(
    job_id: str, home: str, epoch: int, reported: str, reason: str = ""
) -> None:
    """Report of a binding that has no clone that it was refused or withdrawn."""
    _write(
        job_id, home, epoch, {"allowed": "", "number": 1, "reported": reported, "reason": reason}
    )
    database.execute(
        f"UPDATE {TABLE} SET due_at = {database.now()} WHERE home = %(home)s AND job_id = %(job)s",
        {"home": home, "job": job_id},
    )


def _write(job_id: str, home: str, epoch: int, facts: dict[str, object]) -> None:
    columns = {"epoch": epoch, "progress": "", "tries": 0, **facts}
    database.execute(
        f"INSERT INTO {TABLE} (job_id, home, {', '.join(columns)}) VALUES "
        f"(%(job_id)s, %(home)s, {', '.join(f'%({name})s' for name in columns)}) "
        "ON CONFLICT (home, job_id) DO UPDATE SET due_at = NULL, "
        + ", ".join(f"{name} = excluded.{name}" for name in columns),
        {"job_id": job_id, "home": home, **columns},
    )


def renew(home: str, limit: int, *, only_ends: bool = False) -> None:
    """Number what the clones of a home have to report beyond their last reports.

    Progress, with what is logged, is reported while no report waits for its answer: the latest
    wins, and few are sent.
    """
    beginnings = f", '{BEGUN}'" if only_ends else ""
    progress = (
        ""
        if only_ends
        else (f" OR (n.due_at IS NULL AND n.reported = '{BEGUN}' AND {_progress()} <> n.progress)")
    )
    found = database.rows(
        f"SELECT n.id, n.number, {TO_REPORT}, {_progress()} FROM {TABLE} n LEFT JOIN {JOB} j "
        f"ON {CLONE_OF_IT} WHERE n.home = %(home)s "
        f"AND (({TO_REPORT}) NOT IN (n.reported, '{NOTHING}'{beginnings}){progress}) LIMIT {limit}",
        {"home": home},
    )
    for id_, number, reported, progress in found:
        _renew(id_, number, reported, progress)


def _renew(id_: int, number: int, reported: str, progress: str) -> None:
    database.execute(
        f"UPDATE {TABLE} SET number = number + 1, reported = %(reported)s, "
        f"progress = %(progress)s, tries = 0, due_at = {database.now()} "
        "WHERE id = %(id)s AND number = %(number)s",
        {"id": id_, "number": number, "reported": reported, "progress": progress},
    )


def _progress() -> str:
    """Return SQL of a text that changes with a clone's progress and the log of its attempt."""
    logged = f"SELECT '#' || l.count FROM {LOG} l WHERE l.job_id = j.id AND l.epoch = j.epoch"
    return f"COALESCE(CAST(j.progress AS text), '') || COALESCE(({logged}), '')"


def has_any(home: str) -> bool:
    """Return whether a home waits for the news of any clone."""
    return News.objects.filter(home=home).exists()


def due(home: str, limit: int) -> list[Due]:
    """Return the reports that are to be sent to a home, the longest due first."""
    found = database.rows(
        f"SELECT {', '.join(FACTS)} FROM {TABLE} "
        f"WHERE home = %(home)s AND due_at <= {database.now()} ORDER BY due_at LIMIT %(limit)s",
        {"home": home, "limit": limit},
    )
    return [_due(row) for row in found]


def claim(home: str, limit: int) -> list[Due]:
    """Count the reports of ends that are due as sent, and return them, the longest due first.

    Of several that claim at once, one gets each.
    """
    last = ", ".join(f"'{one}'" for one in sorted(LAST))
    due = f"home = %(home)s AND due_at <= {database.now()} AND reported IN ({last})"
    found = database.rows(
        f"UPDATE {TABLE} SET due_at = {database.later(PAUSE)}, tries = tries + 1 "
        f"WHERE {due} AND id IN (SELECT id FROM {TABLE} WHERE {due} ORDER BY due_at "
        f"LIMIT %(limit)s) RETURNING {', '.join(FACTS)}",
        {"home": home, "limit": limit},
    )
    return [_due(row) for row in found]


def put_back(home: str, job_id: str, epoch: int, number: int) -> None:
    """Let a report be due again at once that was claimed and not sent."""
    database.execute(
        f"UPDATE {TABLE} SET due_at = {database.now()}, tries = 0 "
        f"WHERE {_THIS} AND due_at IS NOT NULL",
        _this(home, job_id, epoch, number),
    )


def _due(row: tuple[Any, ...]) -> Due:
    return Due(**dict(zip(FACTS, row, strict=True)))


def note_sent(home: str, job_id: str, epoch: int, number: int) -> None:
    """Note that a report was sent; it is due again later."""
    database.execute(
        f"UPDATE {TABLE} SET due_at = {database.later(PAUSE)}, tries = tries + 1 "
        f"WHERE {_THIS} AND due_at IS NOT NULL",
        _this(home, job_id, epoch, number),
    )


def is_end_reported(home: str, job_id: str, epoch: int) -> bool:
    """Return whether the end of a clone was reported, and home has not answered."""
    this = {"home": home, "job_id": job_id, "epoch": epoch}
    return News.objects.filter(**this, reported=ENDED, due_at__isnull=False).exists()


def hasten(home: str, job_id: str, epoch: int) -> None:
    """Let the report of an end be sent again at once: home may take it now (P12)."""
    database.execute(
        f"UPDATE {TABLE} SET due_at = {database.now()}, tries = 0 "
        f"WHERE {_BINDING} AND reported = '{ENDED}' AND due_at IS NOT NULL",
        {"home": home, "job_id": job_id, "epoch": epoch},
    )


def report_unsent(home: str, job_id: str, epoch: int) -> None:
    """Report that the outputs of a clone cannot be sent, in the place of its success (P12)."""
    database.execute(
        f"UPDATE {TABLE} SET reported = '{UNSENT}', number = number + 1, tries = 0, "
        f"due_at = {database.now()} WHERE {_BINDING} AND reported = '{ENDED}'",
        {"home": home, "job_id": job_id, "epoch": epoch},
    )


def settle(home: str, job_id: str, epoch: int, number: int) -> bool:
    """End the report that home has answered, and no newer one (P3); return if it was the last."""
    this = _this(home, job_id, epoch, number)
    last = ", ".join(f"'{one}'" for one in sorted(LAST))
    if database.execute(f"DELETE FROM {TABLE} WHERE {_THIS} AND reported IN ({last})", this):
        return True
    database.execute(f"UPDATE {TABLE} SET due_at = NULL WHERE {_THIS}", this)
    return False


_BINDING = "home = %(home)s AND job_id = %(job_id)s AND epoch = %(epoch)s"
_THIS = f"{_BINDING} AND number = %(number)s"


def _this(home: str, job_id: str, epoch: int, number: int) -> dict[str, Any]:
    return {"home": home, "job_id": job_id, "epoch": epoch, "number": number}
