"""Running a duty: in a thread of its own, and no longer than its deadline."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from django.db import connections

from offload.db import database
from offload.fleet.leadership import NotLeader
from offload.signals import Alarm, AlarmKind, send

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.db.backends.base.base import BaseDatabaseWrapper

    from offload.fleet.duties import Duty
    from offload.fleet.leadership import Term

logger = logging.getLogger("offload.agent")

#: Characters of an error that are announced; the log has all of it.
ERROR_CHARACTERS_MAX = 300


class Doing:
    """A run of a duty, or the last one."""

    def __init__(self, duty: Duty, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the duty, and start the clock."""
        self.duty = duty
        self._clock = clock
        self.is_over = False
        #: How much it did.
        self.count = 0
        #: Its error, once it is over.
        self.error = ""
        self._began = self._interrupted = self._clock()
        self._connection: BaseDatabaseWrapper | None = None
        self._has_alarmed = False

    @property
    def is_due_again(self) -> bool:
        """Return whether it is over and due again."""
        age = self._clock() - self._began
        return self.is_over and self.duty.is_due(age=age, count=self.count)

    def run(self, term: Term) -> None:
        """Do the duty; log a failure, as the next run tries again."""
        self._connection = database.connection()
        try:
            self.count = self.duty.run(term)
        except NotLeader:
            return
        except Exception as error:
            self.error = f"{type(error).__name__}: {error}"[:ERROR_CHARACTERS_MAX]
            logger.exception("duty %s failed", self.duty.name)
            connections.close_all()
        finally:
            self.is_over = True

    def interrupt_after(self, seconds: float) -> None:
        """Cancel its statement, and raise an alarm, every ``seconds`` seconds (A8)."""
        if self.is_over or self._clock() - self._interrupted < seconds:
            return
        self._interrupted = self._clock()
        if self._connection is not None:
            database.interrupt(self._connection)
        if not self._has_alarmed:
            self._alarm(seconds)

    def _alarm(self, seconds: float) -> None:
        self._has_alarmed = True
        send(
            Alarm(
                f"the leader's duty {self.duty.name!r} took longer than {seconds:g} s",
                "look at what the database waits for; the duty is tried again",
                AlarmKind.DUTY_OVERDUE,
            )
        )
