"""Files that a running attempt makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uuid_utils import uuid7

from offload.conf import settings
from offload.core.states import JobState
from offload.db import database
from offload.files import payloads
from offload.files.rollback_cleanup import remove_on_rollback
from offload.files.storing import remove
from offload.models import Job, Payload, PayloadFile
from offload.tracking.changes import stale

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey
    from offload.files.payloads import Source, Stored


def add(
    key: AttemptKey, name: str, source: Source, *, media_type: str | None = None
) -> PayloadFile:
    """Store a file and its row under the attempt's epoch.

    Raise InvalidName, MissingFile, UnreadableFile, FileNotStored, or StaleAttempt where the
    attempt was overtaken; then nothing is left of the file, nor where its row is rolled back.
    """
    payloads.check({name: source})
    payloads.check_media_type(name, media_type)
    payload = payload_of(key)
    stored = payloads.put(payload.storage, payload.pk, name, source, media_type)
    try:
        with database.atomic():
            file = _record(key, payload, stored)
    except BaseException:
        remove(payload.storage, [stored.location])
        raise
    remove_on_rollback(lambda: remove(payload.storage, [stored.location]))
    return file


def payload_of(key: AttemptKey) -> Payload:
    """Return the payload of a running attempt's job, made where it has none."""
    with database.atomic():
        job = _locked(key)
        if job.payload is None:
            alias = settings().storage
            job.payload = Payload.objects.create(id=str(uuid7()), storage=alias)
            Job.objects.filter(pk=job.pk).update(payload=job.payload)
        return job.payload


def _locked(key: AttemptKey) -> Job:
    mine = Job.objects.of(key).select_for_update(of=("self",)).select_related("payload")
    job = mine.filter(state=JobState.ACTIVE).first()
    if job is None:
        raise stale(key)
    return job


def _record(key: AttemptKey, payload: Payload, stored: Stored) -> PayloadFile:
    job = _locked(key)
    former = PayloadFile.objects.filter(job=job, epoch=key.epoch, name=stored.name).first()
    if former is not None:
        location = former.location
        database.on_commit(lambda: remove(payload.storage, [location]))
    file, _ = PayloadFile.objects.update_or_create(
        job=job,
        epoch=key.epoch,
        name=stored.name,
        defaults={
            "payload": payload,
            "size": stored.size,
            "media_type": stored.media_type,
            "sha256": stored.sha256,
            "location": stored.location,
        },
    )
    return file
