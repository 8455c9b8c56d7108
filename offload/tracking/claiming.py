"""QUEUED → ACTIVE: the claim of a job, and the key of the attempt that it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.retries import Cause
from offload.db import database
from offload.db.statements import Statement, change, named
from offload.models import Job
from offload.models.fields import decoded
from offload.signals import StateChange, is_heard
from offload.tracking.changes import tell, waited
from offload.tracking.requeue import way_back
from offload.tracking.selectors import ANYWHERE, BINDING, IS_QUEUED, attempt, params_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.tracking.selectors import Seat

JOB = Job._meta.db_table
CLAIMED_COLUMNS = (
    "topic", "queue", "task", "args", "properties", "attempts", "failures", "crashes", "has_tail",
    "tail", "options", "payload_id", "run_id", "root_id", "parent_id", "priority",
)  # fmt: skip
#: What the columns of JSON hold; what holds something else is taken for an empty one.
JSON_COLUMN_TYPES = {"args": list, "properties": dict, "options": dict, "tail": dict}
#: A lost claim costs one more run of a message that is still there, never a lost job: it may
#: be acknowledged before it is on disk. Finishes wait for the disk.
ASYNC_COMMIT = "(SELECT set_config('synchronous_commit', 'off', true)) AS unhurried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The columns of a job that its claim returns."""

    topic: str
    queue: str
    task: str
    args: tuple[Any, ...]
    properties: Mapping[str, Any]
    #: Including this one.
    attempts: int
    failures: int
    crashes: int
    has_tail: bool
    tail: Mapping[str, Any] | None
    options: Mapping[str, Any]
    payload_id: str | None
    run_id: str | None
    root_id: str
    parent_id: str
    priority: int
    #: The columns of which nothing can be made: there is no run without them.
    unreadable: tuple[str, ...] = ()


def claim(key: AttemptKey, here: Seat = ANYWHERE, then: Statement | None = None) -> Claimed | None:
    """Begin an attempt (R1): QUEUED → ACTIVE, under its epoch and own token, where it is bound to.

    Return None where this message is not, or no longer, the one to run. A claim whose reply
    was lost is recognised by its token. ``then`` takes effect with the claim.
    """
    found = change(_claiming(key, here), then)
    if found:
        *row, instance, seconds = found[0]
        claimed = _claimed(row)
        if is_heard("ACTIVE"):
            tell([_begun(key, claimed, instance, seconds)])
        return claimed
    return _mine(key)


def _begun(key: AttemptKey, claimed: Claimed, instance: str, seconds: float) -> StateChange:
    return StateChange(
        key.job_id, "QUEUED", "ACTIVE", key.epoch, claimed.topic, claimed.queue, instance,
        claimed.attempts, seconds,
    )  # fmt: skip


def _claiming(key: AttemptKey, here: Seat) -> Statement:
    return Statement(
        f"UPDATE {JOB} SET state = 'ACTIVE', token = %(token)s, started_at = {database.now()}, "
        f"error = '', attempts = attempts + 1 {_unhurried()} "
        f"WHERE {BINDING} AND {IS_QUEUED} AND NOT stop_requested"
        f"{here.condition} RETURNING {', '.join(CLAIMED_COLUMNS)}, "
        f"instance, {waited()} AS waited",
        named(params_of(key), here.given()),
    )


def _unhurried() -> str:
    return f"FROM {ASYNC_COMMIT}" if database.vendor() == "postgresql" else ""


def _mine(key: AttemptKey) -> Claimed | None:
    """Return a claim whose reply was lost (R1); one that was stopped meanwhile ends at once."""
    mine = attempt(key)
    found = database.rows(
        f"SELECT {', '.join(CLAIMED_COLUMNS)}, stop_requested FROM {JOB} WHERE {mine.condition}",
        mine.params,
    )
    if found and found[0][-1]:
        way_back(mine, cause=Cause.REQUEUED)
        return None
    return _claimed(found[0][:-1]) if found else None


def _claimed(row: Sequence[Any]) -> Claimed:
    facts = dict(zip(CLAIMED_COLUMNS, row, strict=True))
    facts["has_tail"] = bool(facts["has_tail"])
    unreadable = []
    for name, kind in JSON_COLUMN_TYPES.items():
        facts[name] = None if facts[name] is None else decoded(facts[name])
        if not isinstance(facts[name], kind) and (name, facts[name]) != ("tail", None):
            unreadable.append(name)
            facts[name] = kind()
    facts["args"] = tuple(facts["args"])
    return Claimed(**facts, unreadable=tuple(unreadable))
