"""Deliveries of outputs, made after the job's end, at least once, whoever dies.

A delivery's location belongs to it alone and is noted before anything is written there. So another
try can tell whether the file is complete, and remove what an interrupted one left.
"""

from __future__ import annotations

import logging
import shutil
import tempfile
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from django.core.files import File
from django.db.models import Exists, OuterRef

from offload.core.files import deliveries
from offload.core.states import JobState
from offload.core.texts import as_text
from offload.db import database
from offload.files.payloads import PAYLOAD_CHUNK_BYTES
from offload.files.targets import CannotDeliver, holds, storage_of, target_of
from offload.files.transports.staging import digest
from offload.fleet.duties import Duty
from offload.fleet.snapshots import now
from offload.models import Delivery, PayloadFile
from offload.models.fields import DatabaseNow, counted
from offload.signals import FileDelivered, send

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.files.targets import Target
    from offload.models.jobs import JobQuerySet

logger = logging.getLogger("offload.delivering")

#: Deliveries made by one sweep.
DELIVERED_FILES = 50


def undelivered(jobs: JobQuerySet) -> JobQuerySet:
    """Return the jobs among these with a delivery that was tried in vain and given up."""
    vain = Delivery.objects.tried_in_vain().filter(job=OuterRef("pk"))
    return jobs.filter(Exists(vain), state=JobState.SUCCEEDED)


def try_again(job_ids: Sequence[str]) -> list[str]:
    """Let the deliveries of jobs that were given up be tried once more; return these jobs' ids."""
    vain = Delivery.objects.tried_in_vain().filter(job__in=job_ids)
    found = sorted(set(vain.values_list("job_id", flat=True)))
    vain.update(due_at=DatabaseNow(), failures=0)
    return found


def deliver() -> int:
    """Make the deliveries that are due; return how many were tried."""
    rows = list(Delivery.objects.due()[:DELIVERED_FILES])
    for row in rows:
        _try(row)
    return len(rows)


#: It needs no term: of two processes, one takes a delivery, and making it twice does no harm.
DELIVER = Duty(name="deliver", do=deliver, every=1.0, batch=DELIVERED_FILES)


def _try(row: Delivery) -> None:
    try:
        file = _output(row)
        if not _take(row, file.size):
            return
        _make(row, file)
    except CannotDeliver as error:
        _give_up(row, error)
    # A storage, a field or a receiver may be built on any library, with errors of its own.
    except Exception as error:
        _postpone(row, error)


def _output(row: Delivery) -> PayloadFile:
    found = PayloadFile.objects.outputs().filter(job=row.job_id, name=row.name)
    file = found.select_related("payload").first()
    if file is None:
        raise CannotDeliver("the job's output is deleted")
    return file


def _take(row: Delivery, size: int) -> bool:
    """Keep others from this delivery for a while; return whether none has taken it before."""
    until = now() + timedelta(seconds=deliveries.lease(size))
    return bool(Delivery.objects.due().filter(pk=row.pk).order_by().update(due_at=until))


def _make(row: Delivery, file: PayloadFile) -> None:
    target = target_of(row.target)
    if not row.location:
        row.location = target.location(row)
        Delivery.objects.filter(pk=row.pk).update(location=row.location)
    location = _put(target, row.location, file)
    with database.atomic():
        target.accept(location)
        Delivery.objects.filter(pk=row.pk).close(location=location, delivered_at=now(), error="")
        event = FileDelivered(row.job_id, row.name, row.place, location)
        database.on_commit(partial(send, event))


def _put(target: Target, location: str, file: PayloadFile) -> str:
    """Copy the output to its place, unless it is there already; return where it is."""
    storage = target.storage
    if holds(storage, location, file.sha256):
        return location
    with tempfile.SpooledTemporaryFile(max_size=PAYLOAD_CHUNK_BYTES) as spool:
        with file.open() as source:
            shutil.copyfileobj(source, spool, PAYLOAD_CHUNK_BYTES)
        spool.seek(0)
        if digest(spool) != file.sha256:
            raise CannotDeliver("the storage has other bytes than the job stored")
        spool.seek(0)
        # An interrupted try may have left a part of it.
        storage.delete(location)
        return storage.save(location, File(spool))


def _give_up(row: Delivery, error: Exception) -> None:
    """End a delivery that cannot be made, and remove what an interrupted try left."""
    logger.warning("output %s of job %s is not delivered: %s", row.name, row.job_id, error)
    if row.location:
        try:
            storage_of(row.target).delete(row.location)
        except Exception:
            logger.exception("file %s of delivery %s is left over", row.location, row.pk)
    Delivery.objects.filter(pk=row.pk).close(failures=counted(row.failures), error=as_text(error))


def _postpone(row: Delivery, error: Exception) -> None:
    """Try a delivery again later, or give it up after many failures."""
    pause = deliveries.pause(row.failures + 1)
    if pause is None:
        _give_up(row, error)
        return
    logger.warning("output %s of job %s waits for delivery: %r", row.name, row.job_id, error)
    Delivery.objects.filter(pk=row.pk).update(
        failures=counted(row.failures),
        due_at=now() + timedelta(seconds=pause),
        error=as_text(error) or type(error).__name__,
    )
