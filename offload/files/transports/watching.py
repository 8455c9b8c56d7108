"""Watching of files on their way: their time, whether to go on, and how far they are."""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING

from offload.core.exceptions import TimedOut, TransferFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.transfers.descriptions import FileDescription

logger = logging.getLogger("offload.transports")


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferProgress:
    """How many bytes of a file the receiver has."""

    name: str
    done: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pacing:
    """The clock in seconds, how to wait, and the random numbers that spread pauses."""

    clock: Callable[[], float] = time.monotonic
    wait: Callable[[Event, float], object] = Event.wait
    draw: Callable[[], float] = random.random


@dataclass(slots=True, kw_only=True)
class Watch:
    """Watches the transfers of one call, in all its threads."""

    pacing: Pacing = field(default_factory=Pacing)
    #: Is called with each step, by one thread at a time; its errors are logged.
    progress: Callable[[TransferProgress], None] | None = None
    cancelled: Event = field(default_factory=Event)
    #: Bytes that went over, by the name of the file; not those that the receiver had.
    carried: Counter[str] = field(default_factory=Counter)
    _lock: Lock = field(default_factory=Lock)

    def report(self, file: FileDescription, done: int) -> None:
        """Report how far a file is."""
        if self.progress is None:
            return
        try:
            with self._lock:
                self.progress(TransferProgress(name=file.name, done=done, size=file.size))
        except Exception:
            logger.exception("the progress of file %r could not be reported", file.name)

    def count(self, file: FileDescription, size: int) -> None:
        """Count bytes of a file that went over, in the one thread that carries it."""
        self.carried[file.name] += size

    def timer(self, file: FileDescription, seconds: float) -> Timer:
        """Start the time that one file has."""
        return Timer(watch=self, file=file, seconds=seconds, end=self.pacing.clock() + seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """The time that one file has."""

    watch: Watch
    file: FileDescription
    seconds: float
    end: float

    def check(self, ahead: float = 0.0) -> None:
        """Raise TimedOut if the time is over in ``ahead`` s, TransferFailed if all is cancelled."""
        if self.watch.cancelled.is_set():
            raise TransferFailed(name=self.file.name, problem="another file of the job failed")
        if self.watch.pacing.clock() + ahead > self.end:
            raise TimedOut(name=self.file.name, problem=f"{self.seconds:g} s were allowed")

    def pause(self, seconds: float) -> None:
        """Wait; raise as `check` does if the time would be over then."""
        self.check(seconds)
        self.watch.pacing.wait(self.watch.cancelled, seconds)
        self.check()
