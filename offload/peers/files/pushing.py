"""Outputs on their way home, on the side that made them: asked for, pushed, offered (P12)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.conf import settings
from offload.core.exceptions import SourceCorrupt
from offload.core.exceptions.file_problems import file_problem
from offload.core.states import JobState
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.stages import TransferStage, TransferTask
from offload.core.transfers.tickets import Ticket
from offload.files.collection import mark
from offload.files.transfers import noted, ways
from offload.files.transfers.claimed_files import ROWS_PER_STATEMENT
from offload.files.transfers.held import source_of
from offload.files.transports.sending import FileSender, InvitedFile, OutgoingFile
from offload.models import FileTransfer, Job
from offload.models.fields import DatabaseNow
from offload.peers.files.reported import made_by, transfer_of
from offload.tracking.peers import news

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offload.core.exceptions import FileProblem
    from offload.core.peers.contents import Content, OutputInvitation
    from offload.core.transfers.announced_files import AnnouncedFile
    from offload.files.payloads import Stored
    from offload.files.transfers.claimed_files import ClaimedFiles
    from offload.files.transports.transport import Source
    from offload.files.transports.watching import Watch
    from offload.models.files.transfers import FileTransferQuerySet


def take_invitation(home: str, invited: OutputInvitation, now: datetime) -> tuple[Content, ...]:
    """Note which outputs home lacks, or tell it of them once more if it lacks none.

    An invitation for a clone that home has answered for, or moved, is for nothing any more.
    """
    clone = Job.objects.select_for_update().filter(pk=invited.job_id).first()
    if clone is None or (clone.home, clone.home_epoch) != (home, invited.epoch):
        return ()
    if clone.state == JobState.SUCCEEDED and news.is_end_reported(home, clone.pk, invited.epoch):
        if invited.files:
            _note(home, clone, invited.files)
        else:
            news.hasten(home, clone.pk, invited.epoch)
    return ()


def _note(home: str, clone: Job, files: tuple[AnnouncedFile, ...]) -> None:
    """Note files to push; of those that are noted, what is not under way gets the new ticket."""
    mine = {name: one.description for name, one in made_by(clone).items()}
    asked = [one for one in files if mine.get(one.file.name) == one.file]
    known = {one.name: one for one in _rows(clone.pk, clone.home_epoch or 0)}
    for one in asked:
        row = known.get(one.file.name)
        if row is not None and row.stage in {TransferStage.WAITING, TransferStage.DONE}:
            _ask_again(row, one.ticket)
    noted.note(
        clone.pk,
        peer=home,
        epoch=clone.home_epoch or 0,
        direction=Direction.OUTPUT,
        task=TransferTask.PUSH,
        files=[(one.file, one.ticket) for one in asked if one.file.name not in known],
    )


def _ask_again(row: FileTransfer, ticket: Ticket) -> None:
    """Give a file the ticket that home sent last; what home had once, it lacks now."""
    changes: dict[str, Any] = {
        "ticket": dict(ticket.data),
        "transport": ticket.transport,
        "task": TransferTask.PUSH,
    }
    if row.stage == TransferStage.DONE:
        changes |= {"stage": TransferStage.WAITING, "due_at": DatabaseNow(), "finished_at": None}
    FileTransfer.objects.filter(pk=row.pk, claim=row.claim, stage=row.stage).update(**changes)


def _rows(job_id: str, epoch: int) -> FileTransferQuerySet:
    return FileTransfer.objects.filter(job=job_id, epoch=epoch, direction=Direction.OUTPUT)


def push(files: ClaimedFiles, watch: Watch) -> Sequence[Stored]:
    """Send outputs to home, which asked for them; raise a FileProblem if one cannot be sent."""
    clone, sources = _sources(files)
    invited = [
        InvitedFile(
            transfer=transfer_of(clone, row.description),
            source=sources[row.name],
            ticket=Ticket(transport=row.transport, data=row.ticket),
        )
        for row in files.rows
    ]
    with ways.at_peer(files.peer) as transports:
        FileSender(transports=transports).push(invited, watch=watch)
    return ()


def offer(files: ClaimedFiles, watch: Watch) -> Sequence[Stored]:
    """Put outputs where home fetches them; raise a FileProblem if one cannot be put there."""
    clone, sources = _sources(files)
    outgoing = [
        OutgoingFile(
            transfer=transfer_of(clone, row.description),
            source=sources[row.name],
            transport=row.transport,
        )
        for row in files.rows
    ]
    with ways.at_peer(files.peer) as transports:
        tickets = FileSender(transports=transports).offer(outgoing)
    for row, ticket in zip(files.rows, tickets, strict=True):
        row.ticket = dict(ticket.data)
    FileTransfer.objects.bulk_update(files.rows, ["ticket"], batch_size=ROWS_PER_STATEMENT)
    return ()


def _sources(files: ClaimedFiles) -> tuple[Job, dict[str, Source]]:
    """Return the clone and its outputs; raise SourceCorrupt if one is deleted."""
    clone = Job.objects.filter(pk=files.job_id).first()
    mine = {} if clone is None else made_by(clone)
    gone = [row.name for row in files.rows if row.name not in mine]
    if clone is None or gone:
        raise SourceCorrupt(name=gone[0], problem="it is no longer there")
    return clone, {name: source_of(one) for name, one in mine.items()}


def ended(files: ClaimedFiles, stored: Sequence[Stored], error: FileProblem | None) -> None:
    """Tell home at once, in the transaction that ends the transfers, that files came or cannot."""
    if error is not None:
        news.report_unsent(files.peer, files.job_id, files.epoch)
    else:
        news.hasten(files.peer, files.job_id, files.epoch)


def problem_of(clone: Job) -> FileProblem:
    """Return the problem for which the outputs of a clone could not be sent."""
    failed = _rows(clone.pk, clone.home_epoch or 0).failed().exclude(error_type="").first()
    if failed is None:
        return file_problem("transfer_failed", name="", problem="the transfer was given up")
    return file_problem(failed.error_type, name=failed.name, problem=failed.error)


def conclude(clone: Job, *, has_come: bool) -> None:
    """End the transfers of a clone that home has answered for, and remove what was offered.

    ``has_come`` says that home has all outputs: it may know that before the agent that sent them.
    """
    if clone.payload_id is None:
        return
    if has_come:
        noted.arrive(clone.pk)
    else:
        noted.give_up(clone.pk, problem="home does not wait for it")
    copies = _rows(clone.pk, clone.home_epoch or 0).filter(task=TransferTask.OFFER)
    made = [one.ticket for one in copies if one.ticket.get("is_copy") is True]
    if made and settings().shared_storage:
        mark((settings().shared_storage, str(one["location"])) for one in made)
        copies.update(ticket={})
