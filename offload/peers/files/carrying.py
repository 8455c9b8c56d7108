"""Carrying of files by an agent: a few threads, and a lease that it renews while bytes move.

Whoever dies leaves rows whose lease ends, and another agent carries on (P11).
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple, Protocol

from django.db import DatabaseError, connections

from offload.conf import peers, settings
from offload.core.exceptions import FileProblem, TimedOut, TransferFailed
from offload.core.transfers.descriptions import Direction
from offload.core.transfers.stages import TransferTask
from offload.db import database
from offload.files.storing import remove
from offload.files.transfers import claimed_files, noted
from offload.files.transports.watching import TransferProgress, Watch
from offload.models import Job
from offload.peers.files import fetched_inputs, fetched_outputs, pushing, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from offload.files.payloads import Stored
    from offload.files.transfers.claimed_files import ClaimedFiles

logger = logging.getLogger("offload.peers")

#: Seconds for which nobody else may carry what an agent has claimed, and between its renewals.
LEASE_SECONDS, RENEWAL_SECONDS = 15.0, 2.0
#: Jobs whose files an agent carries at a time: a large file keeps no small one waiting.
THREADS = 2
#: Seconds between two looks for files to carry.
PAUSE_SECONDS = 0.5
#: Seconds between two looks for uploads of jobs that are over.
PURGE_SECONDS = 60.0
#: Claims of one file before a failure that another try may mend is final, and the longest pause
#: between two, in seconds.
CLAIMS_MAX, BREAK_MAX_SECONDS = 12, 60.0


class CarryFiles(Protocol):
    """Carries claimed files; returns those that it stored."""

    def __call__(self, files: ClaimedFiles, watch: Watch) -> Sequence[Stored]:
        """Raise a FileProblem if a file cannot be had; then nothing is stored."""


class EndTransfers(Protocol):
    """Decides the fate of a job whose files came, or could not, in the transaction of that."""

    def __call__(
        self, files: ClaimedFiles, stored: Sequence[Stored], error: FileProblem | None
    ) -> None:
        """Raise TransferFailed if nothing may come of them any more."""


class Work(NamedTuple):
    """The work of an agent with files, and its conclusion."""

    carry: CarryFiles
    ended: EndTransfers


WORK: Mapping[tuple[Direction, TransferTask], Work] = MappingProxyType(
    {
        (Direction.INPUT, TransferTask.FETCH): Work(fetched_inputs.fetch, fetched_inputs.ended),
        (Direction.OUTPUT, TransferTask.PUSH): Work(pushing.push, pushing.ended),
        (Direction.OUTPUT, TransferTask.OFFER): Work(pushing.offer, pushing.ended),
        (Direction.OUTPUT, TransferTask.FETCH): Work(fetched_outputs.fetch, fetched_outputs.ended),
        (Direction.OUTPUT, TransferTask.COPY): Work(fetched_outputs.fetch, fetched_outputs.copied),
    }
)


@dataclass(slots=True)
class Renewal:
    """Renews the lease of claimed files; cancels them once it is lost."""

    files: ClaimedFiles
    watch: Watch = field(init=False)
    #: Bytes that are there of each file, where no row has them yet.
    _new: dict[str, int] = field(default_factory=dict)
    _over: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.watch = Watch(progress=self._note)

    def _note(self, progress: TransferProgress) -> None:
        self._new[progress.name] = progress.done

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Renew the lease in a thread of its own for a block."""
        thread = threading.Thread(target=self._run, name="file-lease", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _run(self) -> None:
        while not self._over.wait(RENEWAL_SECONDS):
            new, self._new = self._new, {}
            try:
                if not claimed_files.renew(self.files, new, lease=LEASE_SECONDS):
                    self.watch.cancelled.set()
            except DatabaseError as error:
                logger.warning("the lease of files on their way is not renewed: %s", error)
                database.connection().close()
        connections.close_all()


class FileThread(threading.Thread):
    """Carries the files that wait in this cluster's rows until it is stopped."""

    def __init__(self, owner: str) -> None:
        """Take the name of the instance whose agent this is."""
        super().__init__(name="files", daemon=True)
        self._owner = owner
        self._over = threading.Event()
        self._due = threading.Event()
        self._purged_at = 0.0
        #: Is called when files were carried, or could not be.
        self.tell: Callable[[], object] | None = None

    def stop(self) -> None:
        """Begin no other files; those on their way are not waited for."""
        self._over.set()
        self._due.set()

    def wake(self) -> None:
        """Look for files at once."""
        self._due.set()

    def run(self) -> None:
        """Carry what is due, and look again after a pause, or once woken."""
        while not self._over.is_set():
            self._due.clear()
            if not self._try():
                self._due.wait(PAUSE_SECONDS)
            elif self.tell is not None:
                self.tell()
        connections.close_all()

    def _try(self) -> bool:
        try:
            self._purge()
            return carry_some(self._owner)
        except DatabaseError as error:
            logger.warning("files on their way wait for the database: %s", error)
        except Exception:
            logger.exception("files could not be carried")
        database.connection().close()
        return False

    def _purge(self) -> None:
        """Remove uploads of jobs that are over, now and then."""
        if time.monotonic() - self._purged_at > PURGE_SECONDS:
            self._purged_at = time.monotonic()
            serving.purge_uploads()
            noted.purge_parts()


def carry_some(owner: str) -> bool:
    """Carry the files of one job that are due longest; return whether there were any."""
    files = claimed_files.claim(owner, storage=settings().storage, lease=LEASE_SECONDS)
    if files is None:
        return False
    work = WORK[files.direction, files.task]
    renewal = Renewal(files)
    stored: Sequence[Stored] = ()
    error: FileProblem | None = None
    with renewal.going_on():
        try:
            stored = work.carry(files, renewal.watch)
        except FileProblem as found:
            error = found
        except Exception as fault:
            # A storage may be built on any library, with errors of its own.
            logger.exception("files of job %s could not be carried", files.job_id)
            problem = f"{type(fault).__name__}: {fault}"
            error = TransferFailed(name=files.rows[0].name, problem=problem)
    if error is not None and _may_differ(files, error):
        claimed_files.put_back(files, seconds=_break(files), storage=settings().storage)
        return True
    _end(files, work, stored, error, renewal.watch.carried)
    return True


def _may_differ(files: ClaimedFiles, error: FileProblem) -> bool:
    is_passing = isinstance(error, TransferFailed | TimedOut) and files.task != TransferTask.COPY
    return is_passing and max(one.tries for one in files.rows) + 1 < CLAIMS_MAX


def _break(files: ClaimedFiles) -> float:
    return min(BREAK_MAX_SECONDS, 2.0 ** max(one.tries for one in files.rows))


def _end(
    files: ClaimedFiles,
    work: Work,
    stored: Sequence[Stored],
    error: FileProblem | None,
    sent: Mapping[str, int],
) -> None:
    """Write what came of files, unless they are another agent's by now; then keep nothing."""
    try:
        with database.atomic():
            # Jobs are locked before what is theirs.
            is_there = Job.objects.select_for_update().filter(pk=files.job_id).exists()
            is_mine = is_there and _written(files, error, sent)
            if is_mine:
                work.ended(files, stored, error)
    except TransferFailed as late:
        logger.info("files of job %s came too late: %s", files.job_id, late.problem)
        # Nobody shall carry them again.
        noted.give_up(files.job_id, problem=late.problem, storage=settings().storage)
        is_mine = False
    if not is_mine:
        remove(settings().storage, [one.location for one in stored])


def _written(files: ClaimedFiles, error: FileProblem | None, sent: Mapping[str, int]) -> bool:
    if error is None:
        return claimed_files.finish(files, sent, storage=settings().storage)
    return claimed_files.fail(
        files, name=error.name, code=error.code, problem=error.problem, storage=settings().storage
    )


def start(owner: str) -> list[FileThread]:
    """Start the threads of an agent that carry files, if the settings name a peer."""
    if not peers():
        return []
    claimed_files.release(owner)
    threads = [FileThread(owner) for _ in range(THREADS)]
    for one in threads:
        one.start()
    return threads
