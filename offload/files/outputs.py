"""Files that a running attempt stores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from uuid_utils import uuid7

from offload.conf import settings
from offload.core.states import JobState
from offload.core.validation.filenames import NameSet
from offload.db import database
from offload.files import payloads
from offload.files.collection import mark
from offload.files.rollback_cleanup import remove_on_rollback
from offload.files.storing import remove
from offload.models import Job, Payload, PayloadFile
from offload.tracking.state_changes import stale_attempt

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey
    from offload.files.payloads import Source, Stored
    from offload.models.payloads import PayloadFileQuerySet


def add(
    key: AttemptKey, name: str, source: Source, *, media_type: str | None = None
) -> PayloadFile:
    """Store a file and its row under the attempt's epoch.

    Raise InvalidName, MissingFile, UnreadableFile, FileNotStored, or StaleAttempt if a newer
    attempt has replaced this one. Then nothing is left of the file, nor after a rollback.
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
    job = mine.filter(state=JobState.ACTIVE).first()
    if job is None:
        raise stale_attempt(key)
    return job


def _check_clash(name: str, others: PayloadFileQuerySet) -> None:
    """Raise InvalidName if the attempt has a file whose name clashes with this one."""
    names = NameSet()
    for other in others.values_list("name", flat=True):
        names.add(other)
    names.add(name)


def _record(key: AttemptKey, payload: Payload, stored: Stored) -> PayloadFile:
    job = _locked(key)
    mine = PayloadFile.objects.filter(job=job, epoch=key.epoch)
    _check_clash(stored.name, mine)
    former = mine.filter(name=stored.name).first()
    if former is not None:
        mark([(payload.storage, former.location)])
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
