"""Inputs of jobs that are bound to a peer, as home's envelope announces them (P11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import SourceCorrupt
from offload.core.states import JobState
from offload.core.texts import place_of
from offload.core.transfers.announced_files import AnnouncedFile
from offload.core.transfers.descriptions import Direction, Transfer
from offload.db import database
from offload.files.given_files import given_files, names_made
from offload.files.transfers import ways
from offload.files.transfers.held import source_of
from offload.files.transports import configured
from offload.jobs import elsewhere
from offload.tracking import terminations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.exceptions import FileProblem
    from offload.core.transfers.descriptions import FileDescription
    from offload.tracking.binding.bindings import BoundJob


def inputs(peer: str, job: BoundJob, transports: Sequence[str]) -> tuple[AnnouncedFile, ...]:
    """Return the inputs of a job, each with its ticket; the peer knows ``transports``.

    Files that earlier steps of its run have made for it are among them.

    Raise TooLarge if no transport takes one, SourceCorrupt if one is gone, TransferFailed if its
    storage does not answer. The peer verifies each content.
    """
    if job.payload_id is None:
        return ()
    # A file that a step made replaces an input of its name, as in a run at home.
    mine = {row.name: row for row in given_files(job.payload_id, names_made(job.options))}
    rows = {mine[name].description: source_of(mine[name]) for name in sorted(mine)}
    known = {name: one for name, one in ways.at_home().items() if name in transports}
    # The shared storage has the files already, or does not carry them.
    fitting = {
        name: one for name, one in known.items() if all(map(one.offers_at_once, rows.values()))
    }
    chosen = configured.chosen(fitting, peer=peer, files=list(rows))
    offers = ((file, fitting[chosen[file.name]], source) for file, source in rows.items())
    return tuple(
        AnnouncedFile(file=file, ticket=transport.offer(_transfer(peer, job, file), source))
        for file, transport, source in offers
    )


def _transfer(peer: str, job: BoundJob, file: FileDescription) -> Transfer:
    return Transfer(peer=peer, job_id=job.id, direction=Direction.INPUT, file=file, epoch=job.epoch)


def take_back(job: BoundJob, error: FileProblem) -> None:
    """Take back a job whose inputs cannot be offered; end it if one is gone."""
    with database.atomic():
        elsewhere.refused(job.key, str(error))
        if isinstance(error, SourceCorrupt):
            terminations.give_up(
                [job.id],
                state=JobState.ERROR,
                error_type=place_of(type(error)),
                error=str(error),
            )
