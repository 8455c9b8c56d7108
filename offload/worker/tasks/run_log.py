"""The log of a run, written while it runs."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Lock
from typing import TYPE_CHECKING

from django.db import DatabaseError

from offload.conf import settings
from offload.core.job_log import LogLine, LogTail, WritePace
from offload.tracking import logs

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey

logger = logging.getLogger("offload.worker")


def _tail() -> LogTail:
    return LogTail(settings().log_lines)


@dataclass(slots=True)
class RunLog:
    """Lines of a run; those that come faster than they may be written wait for later ones."""

    key: AttemptKey
    _tail: LogTail = field(default_factory=_tail)
    _pace: WritePace = field(default_factory=WritePace)
    _written: int = 0
    _lock: Lock = field(default_factory=Lock)

    def add(self, text: object, level: object) -> None:
        """Add a line, and write the log if it may be written now."""
        if not self._tail.most:
            return
        self._tail.add(LogLine.of(text, level, datetime.now(UTC)))
        if self._pace.take(time.monotonic()):
            self.write()

    def write(self) -> None:
        """Write the lines that are not written yet, if there are any.

        What the database does not take now, it gets with the next lines: a log fails no run.
        """
        # Also while it is written, by statements that are logged themselves, or in another thread.
        if self._written == self._tail.count or not self._lock.acquire(blocking=False):
            return
        try:
            log = self._tail.log()
            logs.write(self.key, log)
            self._written = log.count
        except DatabaseError as error:
            logger.debug("the log of job %s waits: %s", self.key.job_id, error)
        finally:
            self._lock.release()
