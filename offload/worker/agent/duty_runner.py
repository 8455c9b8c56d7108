"""One duty being done: in a thread of its own, and not for longer than its deadline."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.db import connections

from offload.db import database
from offload.fleet.leadership import NotLeader
from offload.signals import Alarm, AlarmKind, send

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from offload.fleet.duties import Duty
    from offload.fleet.leadership import Term

logger = logging.getLogger("offload.agent")

#: Characters of an error that are announced; the log has the rest.
ERROR_MAX = 300


class Doing:
    """A duty that is being done, or was."""

    def __init__(self, duty: Duty) -> None:
        """Begin now."""
        self.duty = duty
        self.is_over = False
        #: How much there was to do.
        self.count = 0
        #: What it failed with, once it is over.
        self.error = ""
        self._began = self._interrupted = time.monotonic()
        self._connection: BaseDatabaseWrapper | None = None
        self._is_told = False

    @property
    def is_due_again(self) -> bool:
        """Return whether it is over and time to do it again."""
        age = time.monotonic() - self._began
        return self.is_over and self.duty.is_due(age=age, count=self.count)

    def run(self, term: Term) -> None:
        """Do the duty; what fails is logged and tried again the next time."""
        self._connection = database.connection()
        try:
            self.count = self.duty.run(term)
        except NotLeader:
            return
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"[:ERROR_MAX]
            logger.exception("duty %s failed", self.duty.name)
            connections.close_all()
        finally:
            self.is_over = True

    def interrupt_after(self, seconds: float) -> None:
        """End the statement it waits for whenever so many seconds have passed, and say so (A8)."""
        if self.is_over or time.monotonic() - self._interrupted < seconds:
            return
        self._interrupted = time.monotonic()
        if self._connection is not None:
            database.interrupt(self._connection)
        if not self._is_told:
            self._tell(seconds)

    def _tell(self, seconds: float) -> None:
        self._is_told = True
        send(
            Alarm(
                f"the leader's duty {self.duty.name!r} took longer than {seconds:g} s",
                "look at what the database waits for; the duty is tried again",
                AlarmKind.DUTY_OVERDUE,
            )
        )
