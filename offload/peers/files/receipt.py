"""Outputs of jobs that ran at a peer, at home: those that lack, and how they come (P12)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from offload.core.peers.contents import OutputInvitation
from offload.core.transfers.announced_files import AnnouncedFile
from offload.core.transfers.descriptions import Direction, Transfer
from offload.core.transfers.limits import check_limits
from offload.core.transfers.stages import TransferStage, TransferTask
from offload.core.transfers.tickets import HELD, Ticket
from offload.files.transfers import noted, ways
from offload.files.transfers.held import digests_held
from offload.files.transports import configured
from offload.models import FileTransfer, PayloadFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from offload.core.peers.contents import CloneReport
    from offload.core.transfers.descriptions import FileDescription
    from offload.models import Job

#: Bytes of the tickets in one message; the rest is asked for after those.
INVITATION_BYTES = 1 << 19
#: The rows of contents that were here and could not be copied: they are asked for after all.
NOT_COPIED = {"task": TransferTask.COPY, "stage": TransferStage.FAILED}


def lacking(job: Job, files: Sequence[AnnouncedFile]) -> list[AnnouncedFile]:
    """Return those outputs of the job's binding that are not here yet, as announced.

    Raise TooLarge or InvalidTicket if this site does not take such files.
    """
    if not files:
        return []
    check_limits(configured.limits(), [one.file for one in files])
    mine = PayloadFile.objects.filter(job=job, epoch=job.epoch)
    here = set(mine.values_list("name", "size", "sha256"))
    return [one for one in files if _facts(one) not in here]


def _facts(one: AnnouncedFile) -> tuple[str, int, str]:
    return one.file.name, one.file.size, one.file.sha256


def ask_for(
    peer: str, report: CloneReport, files: Sequence[AnnouncedFile]
) -> tuple[OutputInvitation, ...]:
    """Note which files this site's agents get; return the request for those to be pushed."""
    rows = FileTransfer.objects.filter(
        job=report.job_id, epoch=report.epoch, direction=Direction.OUTPUT
    )
    known = set(rows.exclude(**NOT_COPIED).values_list("name", flat=True))
    tried = set(rows.filter(**NOT_COPIED).values_list("name", flat=True))
    new = [one for one in files if one.file.name not in known]
    ready = [one for one in new if one.is_ready]
    others = [one for one in new if not one.is_ready]
    mine = digests_held(peer, [one.file for one in others if one.file.name not in tried])
    here = [one for one in others if one.file.sha256 in mine and one.file.name not in tried]
    _note(peer, report, TransferTask.FETCH, [(one.file, one.ticket) for one in ready])
    _note(peer, report, TransferTask.COPY, [(one.file, Ticket(transport=HELD)) for one in here])
    asked = [one for one in others if one not in here]
    invited = tuple(_that_fit(_invited(peer, report, asked)))
    if not invited:
        return ()
    return (OutputInvitation(job_id=report.job_id, epoch=report.epoch, files=invited),)


def _note(
    peer: str,
    report: CloneReport,
    task: TransferTask,
    files: Sequence[tuple[FileDescription, Ticket]],
) -> None:
    noted.note(
        report.job_id,
        peer=peer,
        epoch=report.epoch,
        direction=Direction.OUTPUT,
        task=task,
        files=files,
    )


def _invited(
    peer: str, report: CloneReport, files: Sequence[AnnouncedFile]
) -> Iterator[AnnouncedFile]:
    """Yield the files that the peer has to push, each with an invitation as its ticket."""
    transports = ways.at_home()
    for one in files:
        way = transports.get(one.ticket.transport)
        if way is None or way.can_remote_offer:
            continue
        transfer = Transfer(
            peer=peer,
            job_id=report.job_id,
            direction=Direction.OUTPUT,
            file=one.file,
            epoch=report.epoch,
        )
        yield AnnouncedFile(file=one.file, ticket=way.invite(transfer))


def _that_fit(files: Iterator[AnnouncedFile]) -> Iterator[AnnouncedFile]:
    """Yield as many as one message holds."""
    left = INVITATION_BYTES
    for one in files:
        left -= len(json.dumps(one.packed()))
        if left < 0:
            return
        yield one
