"""Tries of one file, one after the other, until it is over, fails for good or takes too long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from offload.core.exceptions import TransferFailed
from offload.core.transfers.tries import pause

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.transfers.tries import TransferPolicy
    from offload.files.transports.watching import Timer


class Growing(Protocol):
    """A file on its way, or several."""

    @property
    def size(self) -> int:
        """Return how many bytes the receiver has."""


def carry(
    policy: TransferPolicy,
    timer: Timer,
    progressing: Growing,
    attempt: Callable[[], None],
) -> None:
    """Call ``attempt`` until it raises no TransferFailed.

    Raise the last one if it failed too often without a new byte, TimedOut if the time is over, and
    any other error at once.
    """
    failures = 0
    while True:
        timer.check()
        before = progressing.size
        try:
            return attempt()
        except TransferFailed as error:
            timer.check()
            failures = 1 if progressing.size > before else failures + 1
            draw = timer.watch.pacing.draw()
            seconds = pause(policy, failures=failures, retry_after=error.retry_after, draw=draw)
            if seconds is None:
                raise
        timer.pause(seconds)
