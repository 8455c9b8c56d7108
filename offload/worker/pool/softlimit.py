"""Soft time limits during the finish of an attempt."""

from __future__ import annotations

import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_handlers: list[Any] = []


@contextmanager
def undisturbed() -> Iterator[None]:
    """Keep a soft time limit from interrupting the block.

    The signal is blocked, and ignored before it is unblocked, which drops a pending one;
    ``restore_handler`` sets its handler again after the task.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        yield
    finally:
        _handlers.append(signal.signal(signal.SIGUSR1, signal.SIG_IGN))
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


def restore_handler(**_: object) -> None:
    """Set the handler of soft time limits again, after the task."""
    if _handlers:
        signal.signal(signal.SIGUSR1, _handlers[0])
        _handlers.clear()
