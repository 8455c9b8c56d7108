"""A thread of an agent that answers at once to runs that ended and messages that came.

All of it is found by sweeps as well (E4), half a second later.
"""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

from django.db import DatabaseError, connections

from offload.core.peers.contents import CloneReport, OutputInvitation, PeerEnvelope, Withdrawal
from offload.db import database
from offload.peers import prompt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from offload.core.peers.contents import Content
    from offload.peers.files.carrying import FileThread

    #: Does what is due; returns how much that was.
    Task: TypeAlias = Callable[[], int]

logger = logging.getLogger("offload.peers")

#: Seconds between two rounds: what becomes due meanwhile is done together.
PAUSE_SECONDS = 0.01
#: The messages that may leave something to report to the cluster that sent them.
REPORTED_ON = (PeerEnvelope, OutputInvitation, Withdrawal)


class PromptThread(threading.Thread):
    """Does what others of this process ask for, each thing once however often it was asked for."""

    def __init__(self, files: Sequence[FileThread] = ()) -> None:
        """Take the threads that carry files."""
        super().__init__(name="peer-prompt", daemon=True)
        self._files = files
        self._asked: SimpleQueue[Task | None] = SimpleQueue()
        self._over = threading.Event()
        for one in files:
            one.tell = self.report_ends

    def report_ends(self) -> None:
        """Let ends of clones be reported."""
        self._asked.put(prompt.report_ends)

    def heed(self, content: Content) -> None:
        """Let be done what a message calls for that was taken."""
        if isinstance(content, CloneReport):
            # It may have made room.
            self._asked.put(prompt.refill)
        elif isinstance(content, REPORTED_ON):
            self.report_ends()
        if getattr(content, "files", ()):
            for one in self._files:
                one.wake()

    def stop(self) -> None:
        """Do nothing more; what is under way is not waited for."""
        self._over.set()
        self._asked.put(None)

    def run(self) -> None:
        """Do what is asked for until stopped."""
        while not self._over.is_set():
            for task in self._next():
                self._try(task)
            self._over.wait(PAUSE_SECONDS)
        connections.close_all()

    def _next(self) -> list[Task]:
        """Return the tasks that are asked for, once each; wait for the first."""
        found = [self._asked.get()]
        with suppress(Empty):
            while True:
                found.append(self._asked.get_nowait())
        return [] if None in found else [one for one in dict.fromkeys(found) if one is not None]

    def _try(self, task: Task) -> None:
        """Do it; log any error, as a sweep does it again."""
        try:
            task()
        except DatabaseError as error:
            logger.warning("what is due to other clusters waits for the database: %s", error)
            database.connection().close()
        except Exception:
            logger.exception("what is due to other clusters is sent later")
