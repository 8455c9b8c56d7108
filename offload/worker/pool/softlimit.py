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
    """Keep a soft time limit that comes now from interrupting the block.

    The signal is blocked, and ignored before it is unblocked, which drops one that is pending;
    its handler is back after the task, by ``restore_handler``.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    _handlers.append(signal.getsignal(signal.SIGUSR1))
    try:
        yield
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})


def restore_handler(**_: object) -> None:
    """Set the handler of soft time limits again, after the task."""
    if _handlers:
        signal.signal(signal.SIGUSR1, _handlers[0])
        _handlers.clear()
