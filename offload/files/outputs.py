"""Files that a running attempt stores."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from uuid_utils import uuid7

from offload.conf import settings
from offload.core.states import JobState
from offload.core.validation.filenames import NameSet
from offload.db import database
from offload.db.statements import Statement, named, once_per_dialect, together
from offload.files import payloads
from offload.files.collection import mark
from offload.files.rollback_cleanup import remove_on_rollback
from offload.files.storing import remove
from offload.models import Job, Payload, PayloadFile
from offload.tracking.selectors import CURRENT_ATTEMPT, params_of
from offload.tracking.state_changes import stale_attempt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.core.attempt_key import AttemptKey
    from offload.files.payloads import Source, Stored


JOB, FILE = Job._meta.db_table, PayloadFile._meta.db_table
#: The columns of a file, as its row is written.
COLUMNS = ("payload_id", "job_id", "epoch", "name", "size", "media_type", "sha256", "location")


def add(
    key: AttemptKey,
    name: str,
    source: Source,
    *,
    media_type: str | None = None,
    payload: Payload | None = None,
) -> PayloadFile:
    """Store a file and its row under the attempt's epoch.

    ``payload`` is the one of the attempt's job, for callers that know it. Raise InvalidName,
    MissingFile, UnreadableFile, FileNotStored, or StaleAttempt if a newer attempt has replaced this
    one. Then nothing is left of the file, nor after a rollback.
    """
    payloads.check({name: source})
    payloads.check_media_type(name, media_type)
    payload = payload or payload_of(key)
    stored = payloads.put(payload.storage, payload.pk, name, source, media_type)
    try:
        file = _first(key, payload, stored) or _another(key, payload, stored)
    except BaseException:
        remove(payload.storage, [stored.location])
        raise
    remove_on_rollback(lambda: remove(payload.storage, [stored.location]))
    return file


def payload_of(key: AttemptKey) -> Payload:
    """Return the payload of a running attempt's job; make one if it has none."""
    with database.atomic():
        return payload_for(_locked(key))


def payload_for(job: Job) -> Payload:
    """Return the payload of a job whose row is locked; make one if it has none."""
    if job.payload is None:
        job.payload = Payload.objects.create(id=str(uuid7()), storage=settings().storage)
        Job.objects.filter(pk=job.pk).update(payload=job.payload)
    return job.payload


def _locked(key: AttemptKey) -> Job:
    mine = Job.objects.of(key).select_for_update(of=("self",)).select_related("payload")
    job = mine.filter(state=JobState.ACTIVE).only("payload").first()
    if job is None:
        raise stale_attempt(key)
    return job


def _first(key: AttemptKey, payload: Payload, stored: Stored) -> PayloadFile | None:
    """Record the attempt's only file so far; None, with nothing written, if there are others, or
    for a stale attempt.

    Most attempts make one file, and no name can clash with it. That is one round trip: the lock
    keeps others from adding a file between the two statements.
    """
    facts = {"payload_id": payload.pk, "job_id": key.job_id, "epoch": key.epoch, **asdict(stored)}
    mine = params_of(key)
    _, found = together(Statement(_lock(), mine), Statement(_insert_first(), named(mine, facts)))
    if not found:
        return None
    columns = {"id": found[0][0], **facts}
    file = PayloadFile.from_db(database.alias(), list(columns), list(columns.values()))
    file.payload = payload
    return file


@once_per_dialect
def _lock() -> str:
    """Return the SQL that locks the row of a running attempt's job."""
    return f"SELECT id FROM {JOB} WHERE {CURRENT_ATTEMPT} {database.FOR_UPDATE[database.vendor()]}"


@once_per_dialect
def _insert_first() -> str:
    """Return the SQL that stores the row of the attempt's first file."""
    own = {"job_id": "id", "epoch": "epoch"}
    values = ", ".join(own.get(name, f"%({name})s") for name in COLUMNS)
    others = f"SELECT 1 FROM {FILE} WHERE job_id = %(job_id)s AND epoch = %(epoch)s"
    return (
        f"INSERT INTO {FILE} ({', '.join(COLUMNS)}) SELECT {values} FROM {JOB} "
        f"WHERE {CURRENT_ATTEMPT} AND NOT EXISTS ({others}) RETURNING id"
    )


def _another(key: AttemptKey, payload: Payload, stored: Stored) -> PayloadFile:
    """Record one of several files; the last one of a name counts."""
    with database.atomic():
        job = _locked(key)
        others = {one.name: one for one in PayloadFile.objects.filter(job=job, epoch=key.epoch)}
        _check_clash(stored.name, others)
        file = others.get(stored.name)
        if file is None:
            file = PayloadFile(job=job, epoch=key.epoch)
        else:
            mark([(payload.storage, file.location)])
        for name, value in asdict(stored).items():
            setattr(file, name, value)
        file.payload = payload
        file.save()
    return file


def _check_clash(name: str, others: Iterable[str]) -> None:
    """Raise InvalidName if the attempt has a file whose name clashes with this one."""
    names = NameSet()
    for other in others:
        names.add(other)
    names.add(name)
