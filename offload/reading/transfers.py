"""Files of jobs on their way to or from other clusters, as people ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.template.defaultfilters import filesizeformat

from offload.core.moments import between
from offload.core.texts import counted
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.moving_files import found
from offload.files.transfers import noted
from offload.models import FileTransfer, Peer

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.transfers.stages import FilesProgress
    from offload.models import Job

#: Seconds for which failed transfers are reported.
REPORTED_SECONDS = 86_400.0
#: Transfers with another cluster that are looked at for one instance, and those that are shown.
LOOKED_AT, SHOWN_MAX = 200, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLine:
    """A file on its way, or over."""

    job: str
    peer: str
    direction: str
    name: str
    #: Bytes of it, those that came, and those that need not.
    size: int
    sent: int
    saved: int
    transport: str
    stage: str
    tries: int
    #: Seconds from its first try to its end; None before that.
    seconds: float | None
    error_type: str
    error: str
    owner: str
    started: datetime | None
    finished: datetime | None

    @property
    def failure(self) -> str:
        """Return the last error with its class, such as "no_space: the disk is full"; or ""."""
        return ": ".join(filter(None, (self.error_type, self.error)))


def of_job(job: Job) -> tuple[TransferLine, ...]:
    """Return the transfers of a job's files; nothing is asked for a job that did not travel."""
    if job.peer is None and not job.is_clone:
        return ()
    mine = job.transfers.order_by("-epoch", "direction", "name")
    return tuple(map(_line, mine))


def latest(limit: int) -> tuple[TransferLine, ...]:
    """Return the transfers that are not over, then those that are, the last ones first."""
    return tuple(map(_line, FileTransfer.objects.order_by("-pk")[:limit]))


def with_instance(peer: str, name: str) -> tuple[TransferLine, ...]:
    """Return the transfers of jobs that an instance of another cluster has or had, the last first.

    Only the latest ones with that cluster are looked at.
    """
    latest_there = FileTransfer.objects.filter(peer=peer).order_by("-pk")[:LOOKED_AT]
    rows = FileTransfer.objects.filter(pk__in=list(latest_there.values_list("pk", flat=True)))
    return tuple(map(_line, rows.filter(job__instance=name).order_by("-pk")[:SHOWN_MAX]))


def _line(row: FileTransfer) -> TransferLine:
    return TransferLine(
        job=row.job_id,
        peer=row.peer,
        direction=row.direction,
        name=row.name,
        size=row.size,
        sent=row.sent,
        saved=row.saved,
        transport=row.transport,
        stage=row.stage,
        tries=row.tries,
        seconds=_seconds(row.started_at, row.finished_at),
        error_type=row.error_type,
        error=row.error,
        owner=row.owner,
        started=row.started_at,
        finished=row.finished_at,
    )


def _seconds(started: datetime | None, finished: datetime | None) -> float | None:
    return between(started, finished) if started and finished else None


def away(job: Job) -> str:
    """Say how far the files are of a job that another cluster has, as that one told last."""
    if job.peer is None or job.is_finished:
        return ""
    told = Peer.objects.filter(pk=job.peer, silent_since=None).values_list("moving", flat=True)
    known = found(told.first(), job.pk, job.epoch)
    if known is None:
        return ""
    if known.direction is Direction.INPUT:
        return f"Its files are on their way to {job.peer}: {_said(known.progress)}."
    return f"The files that it made are on their way from {job.peer}: {_said(known.progress)}."


def arriving(job: Job) -> str:
    """Say how far the files are that a clone waits for."""
    mine = job.transfers.filter(direction=Direction.INPUT, epoch=job.home_epoch or 0)
    return _said(noted.progress(list(mine)))


def _said(progress: FilesProgress) -> str:
    done, size = filesizeformat(progress.done_size), filesizeformat(progress.size)
    return f"{progress.done} of {counted(progress.files, 'file', 'files')}, {done} of {size}"
