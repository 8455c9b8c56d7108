"""Rows of transfers: noted and given up; agents claim them by ``claimed_files``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.db.models import F

from offload.core.transfers.descriptions import Direction
from offload.core.transfers.moving_files import TOLD_MAX, MovingFiles
from offload.core.transfers.stages import FilesProgress, TransferStage
from offload.db import database
from offload.files.collection import mark
from offload.files.transports import parts as parts_here
from offload.files.transports.parts import HOST, path_of
from offload.models import FileTransfer
from offload.models.fields import DatabaseNow

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from offload.core.transfers.descriptions import FileDescription
    from offload.core.transfers.stages import TransferTask
    from offload.core.transfers.tickets import Ticket
    from offload.models.files.transfers import FileTransferQuerySet


def note(
    job_id: str,
    *,
    peer: str,
    epoch: int,
    direction: Direction,
    task: TransferTask,
    files: Sequence[tuple[FileDescription, Ticket]],
) -> None:
    """Note files that are to be carried; those that are noted already stay as they are."""
    FileTransfer.objects.bulk_create(
        (
            FileTransfer(
                job_id=job_id,
                peer=peer,
                epoch=epoch,
                direction=direction,
                task=task,
                **file.packed(),
                transport=ticket.transport,
                ticket=_stored(ticket),
            )
            for file, ticket in files
        ),
        ignore_conflicts=True,
    )


def _stored(ticket: Ticket) -> Any:
    # The field's type is that of its column.
    return dict(ticket.data)


def give_up(job_id: str, *, problem: str, code: str = "", storage: str = "") -> int:
    """End the open transfers of a job, whoever does them; return how many.

    What was stored in ``storage`` is deleted after the commit.
    """
    mine = FileTransfer.objects.filter(job_id=job_id).open()
    drop_stored(mine, storage)
    drop_parts(mine.values_list("part", flat=True), storage)
    return mine.update(
        stage=TransferStage.FAILED,
        finished_at=DatabaseNow(),
        due_at=None,
        claim="",
        lease_until=None,
        location="",
        part="",
        error_type=code,
        error=problem,
    )


def arrive(job_id: str) -> int:
    """End the open transfers of a job whose files are all there; return how many."""
    return (
        FileTransfer.objects.filter(job_id=job_id)
        .open()
        .update(
            stage=TransferStage.DONE,
            finished_at=DatabaseNow(),
            due_at=None,
            claim="",
            lease_until=None,
            sent=F("size"),
            part="",
        )
    )


def drop_stored(files: FileTransferQuerySet, storage: str) -> None:
    """Have deleted what transfers that came to nothing may have stored.

    Their rows must forget the locations in the same transaction.
    """
    if storage:
        places = files.exclude(location="").values_list("location", flat=True)
        mark((storage, location) for location in list(places))


def drop_parts(parts: Iterable[str], storage: str) -> None:
    """Have deleted what came of files that are over; their rows must forget it with that."""
    if storage:
        found = [part for part in parts if part]
        mark((storage, part) for part in found if not part.startswith(HOST))
        mine = [path for part in found if part.startswith(HOST) and (path := path_of("", part))]
        database.on_commit(partial(_remove, mine))


def _remove(paths: Sequence[Path]) -> None:
    for one in paths:
        one.unlink(missing_ok=True)


def purge_parts() -> int:
    """Remove parts from this host that no row names any more; return how many."""
    gone = parts_here.unnamed(_named)
    _remove(gone)
    return len(gone)


def _named(found: Collection[str]) -> Collection[str]:
    """Return those of these parts that a row names."""
    return set(FileTransfer.objects.filter(part__in=list(found)).values_list("part", flat=True))


def moving(home: str) -> list[MovingFiles]:
    """Return how far the files of some of a home's jobs are that are on their way here."""
    open_ = FileTransfer.objects.open().filter(peer=home, job__home=home)
    jobs = open_.values_list("job", "epoch", "direction").order_by("due_at")
    bindings = list(dict.fromkeys(jobs[: TOLD_MAX * 10]))[:TOLD_MAX]
    if not bindings:
        return []
    files: dict[tuple[str, int, str], list[FileTransfer]] = {one: [] for one in bindings}
    for row in FileTransfer.objects.filter(job__in={job for job, *_ in bindings}):
        files.get((row.job_id, row.epoch, row.direction), []).append(row)
    return [
        MovingFiles(job_id=job, epoch=epoch, direction=Direction(way), progress=progress(rows))
        for (job, epoch, way), rows in files.items()
    ]


def progress(files: Sequence[FileTransfer]) -> FilesProgress:
    """Return how far files are that go one way."""
    done = [one for one in files if one.stage == TransferStage.DONE]
    moving = sum(one.sent for one in files if one.stage != TransferStage.DONE)
    return FilesProgress(
        files=len(files),
        done=len(done),
        size=sum(one.size for one in files),
        done_size=sum(one.size for one in done) + moving,
    )
