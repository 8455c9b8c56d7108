"""The stages of a file on its way, and how far all files of a job are."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class TransferStage(enum.StrEnum):
    """The stage of one file's transfer."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class TransferTask(enum.StrEnum):
    """The work of this side for a file."""

    #: Get it from the other side, with its ticket.
    FETCH = "fetch"
    #: Copy the same content, which this side has; if that fails, it is fetched or asked for.
    COPY = "copy"
    #: Send it to home, which invited this side to.
    PUSH = "push"
    #: Put a copy where the other side can fetch it.
    OFFER = "offer"


#: The work that stores files on this side.
STORING = frozenset({TransferTask.FETCH, TransferTask.COPY})
OPEN = frozenset({TransferStage.WAITING, TransferStage.RUNNING})


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesProgress:
    """How far the files of a job are that go one way."""

    files: int
    done: int
    #: Bytes of all, and those that are there.
    size: int
    done_size: int
