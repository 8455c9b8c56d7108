"""Inputs of clones: fetched by the peer's agents before a clone may be bound (P11)."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.exceptions import FileProblem, TransferFailed
from offload.core.peers.contents import CloneRefusal
from offload.core.peers.unfetched import refusal_for
from offload.core.placement.lanes import Lane
from offload.core.states import Hold, JobState
from offload.core.texts import place_of
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.limits import check_limits
from offload.core.transfers.stages import TransferTask
from offload.db import database
from offload.dispatch import offering
from offload.files.transfers import fetching, noted, ways
from offload.files.transports import configured
from offload.models import Job, Payload, PayloadFile
from offload.tracking import terminations
from offload.tracking.peers import clones, news

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.peers.contents import PeerEnvelope
    from offload.files.payloads import Stored
    from offload.files.transfers.claimed_files import ClaimedFiles
    from offload.files.transports.watching import Watch


def refusal(home: str, envelope: PeerEnvelope) -> CloneRefusal | None:
    """Return why this cluster cannot get the inputs that an envelope announces, or None."""
    if not envelope.files:
        return None
    known = ways.here(home)
    if any(one.ticket.transport not in known for one in envelope.files):
        return CloneRefusal.NO_TRANSPORT
    try:
        check_limits(configured.limits(), [one.file for one in envelope.files])
    except FileProblem:
        return CloneRefusal.TOO_LARGE
    return None


def note(home: str, envelope: PeerEnvelope) -> None:
    """Note the inputs of a new clone, for an agent to fetch."""
    noted.note(
        envelope.job_id,
        peer=home,
        epoch=envelope.epoch,
        direction=Direction.INPUT,
        task=TransferTask.FETCH,
        files=[(one.file, one.ticket) for one in envelope.files],
    )


def give_up(clone: Job, problem: str) -> None:
    """End the fetching of a clone's inputs, and drop what came, if it waits for them."""
    if clone.hold == Hold.PAYLOAD:
        noted.give_up(clone.pk, problem=problem, storage=settings().storage)


def fetch(files: ClaimedFiles, watch: Watch) -> Sequence[Stored]:
    """Fetch and store inputs; raise a FileProblem if one cannot be had, then none is stored."""
    with ways.at_peer(files.peer) as transports:
        return fetching.fetch(files, transports, storage=settings().storage, watch=watch)


def ended(files: ClaimedFiles, stored: Sequence[Stored], error: FileProblem | None) -> None:
    """Let the clone be bound, with its inputs; or end it, as a refusal or with the error.

    Raise TransferFailed if it does not wait for them any more; then nothing of them may stay.
    """
    clone = _waiting(files)
    if clone is None:
        problem = "its job is over, or bound anew"
        raise TransferFailed(name=files.rows[0].name, problem=problem)
    if error is None:
        _release(files, stored, clone)
        return
    reason = refusal_for(error)
    if reason is not None:
        clones.close(files.job_id, files.peer, files.epoch)
        news.report_without_clone(files.job_id, files.peer, files.epoch, news.REFUSED, reason)
    terminations.give_up(
        [files.job_id],
        state=JobState.ERROR,
        error_type=place_of(type(error)),
        error=str(error),
    )


def _waiting(files: ClaimedFiles) -> Job | None:
    """Return the clone, locked, if it waits for these files."""
    mine = Job.objects.filter(home=files.peer, home_epoch=files.epoch, hold=Hold.PAYLOAD)
    mine = mine.filter(pk=files.job_id, state=JobState.PENDING)
    return mine.select_for_update().first()


def _release(files: ClaimedFiles, stored: Sequence[Stored], clone: Job) -> None:
    Payload.objects.create(id=files.folder, storage=settings().storage)
    PayloadFile.objects.bulk_create(
        PayloadFile(payload_id=files.folder, **asdict(one)) for one in stored
    )
    clones.release(files.job_id, home=files.peer, epoch=files.epoch, payload_id=files.folder)
    lane = Lane.parse(clone.lane)
    database.on_commit(partial(offering.offer, [lane]))
