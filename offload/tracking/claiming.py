"""QUEUED → ACTIVE: claiming a job, which begins an attempt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.core.retries import Cause
from offload.core.states import JobState
from offload.db import database
from offload.db.statements import Statement, change, named, once_per_dialect
from offload.models import Job
from offload.models.fields import decoded
from offload.signals import StateChange, is_heard
from offload.tracking.peers.fitting import is_leased
from offload.tracking.requeue import return_to_pending
from offload.tracking.selectors import ANY_HOLDER, BINDING, IS_QUEUED, attempt, params_of
from offload.tracking.state_changes import send_on_commit, waited

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.tracking.selectors import Holder

JOB = Job._meta.db_table
CLAIMED_COLUMNS = (
    "topic", "queue", "task", "args", "properties", "attempts", "failures", "crashes", "has_tail",
    "tail", "options", "payload_id", "run_id", "root_id", "parent_id", "priority",
)  # fmt: skip
#: The types in the columns of JSON; any other content counts as an empty one.
JSON_COLUMN_TYPES = {"args": list, "properties": dict, "options": dict, "tail": dict}
#: A lost claim costs one more run, never a lost job, so its commit need not wait for the disk.
#: Finishes do wait.
ASYNC_COMMIT = "(SELECT set_config('synchronous_commit', 'off', true)) AS unhurried"


@dataclass(frozen=True, slots=True, kw_only=True)
class Claimed:
    """The columns of a job that its claim returns."""

    topic: str
    queue: str
    task: str
    args: tuple[Any, ...]
    properties: Mapping[str, Any]
    #: The number of attempts, including this one.
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
    #: The unreadable columns; without them, the job cannot run.
    unreadable: tuple[str, ...] = ()


def claim(
    key: AttemptKey,
    holder: Holder = ANY_HOLDER,
    then: Statement | None = None,
    *,
    reruns: bool = True,
    rescue: str = "",
) -> Claimed | None:
    """Begin an attempt (R1): QUEUED → ACTIVE, with its epoch, its own token and its place.

    Return None if this message is not, or no longer, the one to run. A claim whose reply was lost
    is recognised by its token. ``then`` takes effect with the claim. Without
    ``reruns`` the row says that the job does not run again by itself if this run is lost;
    ``rescue`` is what it says of where it runs otherwise.
    """
    found = change(_claiming(key, holder, reruns=reruns, rescue=rescue), then)
    if found:
        *row, instance, seconds = found[0]
        claimed = read(row)
        if is_heard(JobState.ACTIVE):
            send_on_commit([begun(key, claimed, instance, seconds)])
        return claimed
    mine = row_of(key)
    return None if mine is None else read(mine)


def begun(key: AttemptKey, claimed: Claimed, instance: str, seconds: float) -> StateChange:
    """Return the event of a claim, after so many seconds of waiting."""
    return StateChange(
        key.job_id, JobState.QUEUED, JobState.ACTIVE, key.epoch, claimed.topic, claimed.queue,
        instance, claimed.attempts, seconds,
    )  # fmt: skip


def _claiming(key: AttemptKey, holder: Holder, *, reruns: bool, rescue: str) -> Statement:
    given, wish = holder.given(), {"rescue": rescue} if rescue else {}
    sql = _claiming_at(tuple(given), leased=is_leased(), reruns=reruns, rescued=bool(rescue))
    return Statement(sql, named(params_of(key), given, wish))


@once_per_dialect
def _claiming_at(compared: tuple[str, ...], *, leased: str, reruns: bool, rescued: bool) -> str:
    """Return the SQL of a claim where these columns name its holder."""
    wishes = f"{'' if reruns else 'reruns = false, '}{'rescue = %(rescue)s, ' if rescued else ''}"
    unhurried = f"FROM {ASYNC_COMMIT} " if database.vendor() == "postgresql" else ""
    held = "".join(f" AND {name} = %({name})s" for name in compared)
    return (
        f"UPDATE {JOB} SET state = '{JobState.ACTIVE}', token = %(token)s, "
        f"started_at = {database.now()}, "
        f"error = '', {wishes}attempts = attempts + 1 {unhurried}"
        f"WHERE {BINDING} AND {IS_QUEUED} AND NOT stop_requested"
        f"{leased}{held} RETURNING {', '.join(CLAIMED_COLUMNS)}, instance, {waited()} AS waited"
    )


def row_of(key: AttemptKey) -> Sequence[Any] | None:
    """Return the columns of a claim whose reply was lost (R1), or None if there is no such claim.

    A job that was stopped meanwhile ends at once.
    """
    mine = attempt(key)
    found = database.rows(
        f"SELECT {', '.join(CLAIMED_COLUMNS)}, stop_requested FROM {JOB} WHERE {mine.condition}",
        mine.params,
    )
    if found and found[0][-1]:
        return_to_pending(mine, cause=Cause.REQUEUED)
        return None
    return found[0][:-1] if found else None


def read(row: Sequence[Any]) -> Claimed:
    """Return the values of ``CLAIMED_COLUMNS``."""
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
