"""Claims of transfers: all open files of a job that go one way, for one agent, for a while.

The agent renews its lease while bytes move. Once the lease is over, another agent may claim them:
nothing is left to do for whoever had them, and its writes change nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db.models import Min
from uuid_utils import uuid7

from offload.core.transfers.descriptions import Direction
from offload.core.transfers.stages import STORING, TransferStage, TransferTask
from offload.db import database
from offload.db.conflicts import retried
from offload.files.transfers.noted import drop_parts, drop_stored
from offload.files.transports.parts import new_part, path_of, size_of
from offload.models import FileTransfer, Job
from offload.models.fields import DatabaseNow
from offload.models.files.transfers import WITHOUT_BYTES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.models.files.transfers import FileTransferQuerySet

TABLE = FileTransfer._meta.db_table
#: Rows that one statement changes.
ROWS_PER_STATEMENT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedFiles:
    """The files of one binding of a job that one agent carries one way."""

    claim: str
    job_id: str
    peer: str
    #: The epoch at home.
    epoch: int
    direction: Direction
    task: TransferTask
    rows: tuple[FileTransfer, ...]

    @property
    def folder(self) -> str:
        """Return the folder of the locations at which they are stored."""
        return self.rows[0].location.partition("/")[0]


@retried
def claim(owner: str, *, storage: str, lease: float) -> ClaimedFiles | None:
    """Claim the files that are due longest for an instance's agent; return None if none are.

    Each file gets a new location in ``storage``; what the agent before stored there is deleted.
    ``lease`` are seconds. A job waits while one of its contents is fetched for another: it will be
    here then.
    """
    coming = FileTransfer.objects.open().fetched_now().values("sha256")
    waiting = FileTransfer.objects.open().filter(task=TransferTask.FETCH, sha256__in=coming)
    free = FileTransfer.objects.free().exclude(job__in=waiting.values("job"))
    if (first := free.first()) is None:
        return None
    with database.atomic():
        # Two agents that see the same files wait for one another here.
        if not Job.objects.select_for_update().filter(pk=first.job_id).exists():
            return None
        return _claimed(first, owner, storage, lease)


def _claimed(first: FileTransfer, owner: str, storage: str, lease: float) -> ClaimedFiles | None:
    same = FileTransfer.objects.free().filter(
        job_id=first.job_id, epoch=first.epoch, direction=first.direction, task=first.task
    )
    rows = tuple(same.order_by("pk"))
    if not rows or not _is_alone(rows):
        return None
    claim, folder = str(uuid7()), str(uuid7())
    mine = FileTransfer.objects.filter(pk__in=[one.pk for one in rows])
    if first.task in STORING:
        drop_stored(mine, storage)
        for one in rows:
            one.location = f"{folder}/{uuid7()}"
            one.part = one.part or _new_part(one, storage)
        FileTransfer.objects.bulk_update(rows, ["location", "part"], batch_size=ROWS_PER_STATEMENT)
    database.execute(
        f"UPDATE {TABLE} SET claim = %(claim)s, owner = %(owner)s, stage = 'running', "
        f"tries = tries + 1, lease_until = {database.later('%(lease)s')}, "
        f"started_at = COALESCE(started_at, {database.now()}) "
        "WHERE job_id = %(job_id)s AND epoch = %(epoch)s AND direction = %(direction)s "
        "AND task = %(task)s AND due_at IS NOT NULL",
        {
            "claim": claim,
            "owner": owner,
            "lease": lease,
            "job_id": first.job_id,
            "epoch": first.epoch,
            "direction": first.direction,
            "task": first.task,
        },
    )
    return ClaimedFiles(
        claim=claim,
        job_id=first.job_id,
        peer=first.peer,
        epoch=first.epoch,
        direction=Direction(first.direction),
        task=TransferTask(first.task),
        rows=rows,
    )


def _new_part(row: FileTransfer, storage: str) -> str:
    """Return where the bytes of a file lie until it is whole; "" if they come at once."""
    return "" if row.transport in WITHOUT_BYTES else new_part(storage, row.description)


def _is_alone(rows: Sequence[FileTransfer]) -> bool:
    """Lock the contents that a job needs; return False if one is, or may be, fetched for another.

    The first row of a content stands for it. Nobody waits for it: whoever has it decides.
    """
    digests = {one.sha256 for one in rows if one.transport not in WITHOUT_BYTES}
    if rows[0].task != TransferTask.FETCH or not digests:
        return True
    same = FileTransfer.objects.open().filter(task=TransferTask.FETCH, sha256__in=digests)
    firsts = same.values("sha256").annotate(first=Min("pk")).order_by()
    heads = set(firsts.values_list("first", flat=True))
    found = same.filter(pk__in=heads).select_for_update(skip_locked=True)
    locked = set(found.values_list("pk", flat=True))
    return locked == heads and not same.fetched_now().exists()


def renew(files: ClaimedFiles, sent: Mapping[str, int], *, lease: float) -> bool:
    """Renew the lease of claimed files; return whether they are still claimed.

    ``sent`` has the bytes that came of each file, by its name, where that changed.
    """
    kept = database.execute(
        f"UPDATE {TABLE} SET lease_until = {database.later('%(lease)s')} "
        "WHERE job_id = %(job_id)s AND claim = %(claim)s AND due_at IS NOT NULL",
        {"lease": lease, "job_id": files.job_id, "claim": files.claim},
    )
    if kept and sent:
        moved = [one for one in files.rows if one.name in sent]
        for one in moved:
            one.sent = sent[one.name]
        FileTransfer.objects.bulk_update(moved, ["sent"], batch_size=ROWS_PER_STATEMENT)
    return kept > 0


def mine(files: ClaimedFiles) -> FileTransferQuerySet:
    """Return the claimed files that are still this agent's."""
    return FileTransfer.objects.filter(job_id=files.job_id, claim=files.claim).open()


def finish(files: ClaimedFiles, sent: Mapping[str, int], *, storage: str = "") -> bool:
    """Mark claimed files as done; return False, with nothing changed, if they no longer are.

    ``sent`` has the bytes that came of each file, by its name; the rest of it was here.
    """
    if not mine(files).exists():
        return False
    # A part that another process still wrote is left.
    drop_parts((one.part for one in files.rows if size_of(path_of(storage, one.part))), storage)
    for one in files.rows:
        one.sent = sent.get(one.name, 0)
        one.saved = max(0, one.size - one.sent)
    FileTransfer.objects.bulk_update(files.rows, ["sent", "saved"], batch_size=ROWS_PER_STATEMENT)
    return bool(_end(files, stage=TransferStage.DONE, part=""))


def fail(files: ClaimedFiles, *, name: str, code: str, problem: str, storage: str = "") -> bool:
    """Mark claimed files as failed, with the error at the file of that name.

    Return False, with nothing changed, if they are no longer claimed.
    """
    drop_stored(mine(files), storage)
    drop_parts(mine(files).values_list("part", flat=True), storage)
    mine(files).filter(name=name).update(error_type=code, error=problem)
    return bool(_end(files, stage=TransferStage.FAILED, location="", part=""))


def _end(files: ClaimedFiles, **facts: object) -> int:
    return mine(files).update(**facts, finished_at=DatabaseNow(), due_at=None, lease_until=None)


def put_back(files: ClaimedFiles, *, seconds: float, storage: str = "") -> None:
    """Let claimed files be claimed again after some seconds; their parts stay for that."""
    with database.atomic():
        drop_stored(mine(files), storage)
        database.execute(
            f"UPDATE {TABLE} SET claim = '', lease_until = NULL, stage = 'waiting', location = '', "
            f"due_at = {database.later('%(seconds)s')} "
            "WHERE job_id = %(job_id)s AND claim = %(claim)s AND due_at IS NOT NULL",
            {"seconds": seconds, "job_id": files.job_id, "claim": files.claim},
        )


def release(owner: str) -> int:
    """Let the files be claimed that an agent which is gone had for an instance."""
    held = FileTransfer.objects.open().filter(owner=owner, lease_until__isnull=False)
    return held.update(lease_until=None)
