"""The statements that find candidates: each part is a few steps through an index."""

from __future__ import annotations

from offload.db import database
from offload.db.statements import once_per_dialect
from offload.models import Job
from offload.models.indexes import (
    HAS_KEY,
    IN_LINE_KEYED,
    IN_ORDER,
    WAITING,
    WAITING_KEYED,
    WAITING_SUSPECT,
)

JOB = Job._meta.db_table
COLUMNS = "id, topic, key, priority, created_at"
#: First in line among the jobs of one key (B6), in whatever lane; a begun one stays first. Each
#: part has its index.
KEY_LINE = f"queue = %(queue)s AND key = k.key AND {IN_LINE_KEYED}"
FIRST_OF_KEY = (
    "SELECT id FROM (SELECT 0 AS turn, id FROM "
    f"(SELECT id FROM {JOB} WHERE {KEY_LINE} AND attempts > 0 {IN_ORDER} LIMIT 1) AS begun "
    "UNION ALL SELECT 1, id FROM "
    f"(SELECT id FROM {JOB} WHERE {KEY_LINE} {IN_ORDER} LIMIT 1) AS next) AS line "
    "ORDER BY turn LIMIT 1"
)


def head_of_key(queue: str, key: str) -> str | None:
    """Return the id of the job that is first in line of a key, or None."""
    found = database.rows(
        f"SELECT ({FIRST_OF_KEY}) FROM (SELECT CAST(%(key)s AS varchar) AS key) AS k",
        {"queue": queue, "key": key},
    )
    return str(found[0][0]) if found[0][0] is not None else None


@once_per_dialect
def looking(
    by_keys: tuple[bool, ...], fit: str, *, in_order: bool, suspect: bool, again: bool
) -> str:
    """Return the SELECT of candidates of lanes, each by its keys or in the order of submission."""
    parts = (
        _by_keys(number, fit, in_order=in_order, again=again)
        if is_by_keys
        else _first(number, fit, in_order=in_order, suspect=suspect)
        for number, is_by_keys in enumerate(by_keys)
    )
    # SQLite's driver would make times of some of these texts.
    created = "CAST(created_at AS text)" if database.vendor() == "sqlite" else "created_at"
    return " UNION ALL ".join(
        f"SELECT number, id, topic, key, priority, {created} FROM ({part}) AS lane_{n}"
        for n, part in enumerate(parts)
    )


def _first(number: int, fit: str, *, in_order: bool, suspect: bool) -> str:
    """Return the SELECT of the first jobs of a lane, and a row that says how many there were."""
    there = f"{WAITING_SUSPECT if suspect else WAITING} AND lane = %(lane_{number})s AND {fit}"
    heads = (
        "SELECT id FROM first WHERE key = '' UNION ALL "
        f"SELECT ({FIRST_OF_KEY}) FROM (SELECT DISTINCT key FROM first WHERE {HAS_KEY}) AS k"
    )
    first = f"SELECT {number} AS number, {COLUMNS} FROM first"
    if in_order:
        first = (
            f"SELECT {number} AS number, {COLUMNS} FROM {JOB} WHERE id {among(heads)} AND {there}"
        )
    return (
        f"WITH first AS MATERIALIZED (SELECT {COLUMNS} FROM {JOB} WHERE {there} {IN_ORDER} "
        f"LIMIT %(rows)s) {first} UNION ALL SELECT {number}, NULL, NULL, NULL, count(*), NULL "
        "FROM first"
    )


def among(ids: str) -> str:
    """Return the condition, after a column, that it is among those that a SELECT finds."""
    # PostgreSQL gets arrays: a subquery in IN may run once per row.
    return f"IN ({ids})" if database.vendor() == "sqlite" else f"= ANY(ARRAY({ids}))"


def _by_keys(number: int, fit: str, *, in_order: bool, again: bool) -> str:
    """Return the SELECT of the first jobs of the next keys of a lane, whose numbers are negative.

    The keys after the one that has the turn come first, then those before it.
    """
    lane = f"%(lane_{number})s"
    since, until = ("key >= %(turn)s", "key < %(turn)s") if again else (
        "key > %(turn)s", "key <= %(turn)s",
    )  # fmt: skip
    there = f"{WAITING_KEYED} AND lane = {lane} AND {fit}"
    return (
        f"WITH RECURSIVE {_walk('after', lane, since, '')}, {_walk('before', lane, until, until)}, "
        "k AS MATERIALIZED (SELECT key FROM (SELECT key FROM after WHERE key IS NOT NULL UNION ALL "
        "SELECT key FROM before WHERE key IS NOT NULL) AS known LIMIT %(rows)s), "
        f"h AS MATERIALIZED (SELECT k.key, {f'({FIRST_OF_KEY})' if in_order else 'NULL'} AS head "
        f"FROM k) SELECT {-1 - number} AS number, j.id, j.topic, h.key, j.priority, j.created_at "
        f"FROM h LEFT JOIN {_heads(there, in_order=in_order)}"
    )


def _walk(name: str, lane: str, first: str, also: str) -> str:
    """Return the recursive table of keys of a lane, from one to the next by an index step each."""
    there = f"SELECT key FROM {JOB} WHERE {WAITING_KEYED} AND lane = {lane}"
    and_also = f" AND {also}" if also else ""
    return (
        f"{name}(key, n) AS (SELECT ({there} AND {first} ORDER BY key LIMIT 1), 1 UNION ALL "
        f"SELECT ({there} AND key > {name}.key{and_also} ORDER BY key LIMIT 1), {name}.n + 1 "
        f"FROM {name} WHERE {name}.key IS NOT NULL AND {name}.n < %(rows)s)"
    )


def _heads(there: str, *, in_order: bool) -> str:
    """Return the first jobs of keys, to join the keys with.

    With few keys more of each are needed, so that what one lacks another gives.
    """
    is_sqlite = database.vendor() == "sqlite"
    each = "least(%(most)s, greatest(%(heaviest)s, 2 * %(limit)s / (SELECT count(*) FROM k)))"
    limited = f"AND key = h.key {IN_ORDER} LIMIT {'%(most)s' if is_sqlite else each}"
    which = f"WHERE {there} {'AND id = h.head' if in_order else limited}"
    if is_sqlite:
        return f"{JOB} j ON j.id IN (SELECT id FROM {JOB} {which})"
    return f"LATERAL (SELECT {COLUMNS} FROM {JOB} {which}) AS j ON true"
