"""Outputs that home's own agents fetch, of jobs that ran at a peer (P12)."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from offload.core.outcomes import ErrorInfo
from offload.core.peers.contents import OutputInvitation
from offload.core.retries import Cause
from offload.db import database
from offload.files.outputs import payload_for
from offload.files.transfers import fetching, ways
from offload.jobs import elsewhere
from offload.models import FileTransfer, PayloadFile
from offload.peers import sending
from offload.peers.files.home_jobs import locked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.exceptions import FileProblem
    from offload.files.payloads import Stored
    from offload.files.transfers.claimed_files import ClaimedFiles
    from offload.files.transports.watching import Watch
    from offload.models import Job


def fetch(files: ClaimedFiles, watch: Watch) -> Sequence[Stored]:
    """Fetch and store outputs; raise a FileProblem if one cannot be had, then none is stored."""
    with database.atomic():
        storage = payload_for(_bound(files)).storage
    return fetching.fetch(files, ways.at_home(), storage=storage, watch=watch)


def ended(files: ClaimedFiles, stored: Sequence[Stored], error: FileProblem | None) -> None:
    """Record what came, and ask for the report again; or end the job's attempt with the error.

    Raise TransferFailed if the job is no longer bound so; then nothing of it may stay.
    """
    job = _bound(files)
    if error is not None:
        info = ErrorInfo.of(type(error), str(error))
        elsewhere.failed(job, Cause.FAILED, info, final=not error.can_retry)
        return
    PayloadFile.objects.bulk_create(
        PayloadFile(payload=job.payload, job=job, epoch=files.epoch, **asdict(one))
        for one in stored
    )
    _ask_again(files)


def copied(files: ClaimedFiles, stored: Sequence[Stored], error: FileProblem | None) -> None:
    """Record what was copied of this side's own; ask for the files if that failed.

    Raise TransferFailed if the job is no longer bound so; then nothing of it may stay.
    """
    if error is None:
        ended(files, stored, None)
        return
    _bound(files)
    # It is no failure of the job: the file comes from the other side after all.
    mine = FileTransfer.objects.filter(pk__in=[one.pk for one in files.rows])
    mine.update(error="")
    _ask_again(files)


def _ask_again(files: ClaimedFiles) -> None:
    """Let the other side report again, at once."""
    asked = OutputInvitation(job_id=files.job_id, epoch=files.epoch)
    database.on_commit(partial(sending.send, files.peer, [asked]))


def _bound(files: ClaimedFiles) -> Job:
    return locked(files.peer, files.job_id, files.epoch, name=files.rows[0].name)
