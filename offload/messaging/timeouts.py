"""Calling functions that may never return."""

from __future__ import annotations

import os
import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class _Helper:
    """A thread that makes calls for others, one after another."""

    def __init__(self) -> None:
        self._asked: SimpleQueue[tuple[Callable[[], Any], SimpleQueue[Any]]] = SimpleQueue()
        threading.Thread(target=self._run, name="offload-asking", daemon=True).start()

    def ask(self, question: Callable[[], Any]) -> SimpleQueue[Any]:
        """Make a call; return the queue that will get its value or its error."""
        answer: SimpleQueue[Any] = SimpleQueue()
        self._asked.put((question, answer))
        return answer

    def _run(self) -> None:
        while True:
            question, answer = self._asked.get()
            found: tuple[Any, BaseException | None]
            try:
                found = question(), None
            except BaseException as error:  # It is raised again in the waiting thread.
                found = None, error
            # Free before the answer is known, so that the next call finds it.
            _idle.append(self)
            answer.put(found)
            del question, answer, found


#: Idle helpers; a thread is started only if none is left.
_idle: deque[_Helper] = deque()
os.register_at_fork(after_in_child=_idle.clear)


def within(seconds: float, ask: Callable[[], T]) -> T:
    """Return what `ask` returns, or raise its error; raise TimeoutError if it takes longer.

    After a timeout, the call goes on in a thread that nobody waits for: libraries retry for
    minutes.
    """
    try:
        helper = _idle.popleft()
    except IndexError:
        helper = _Helper()
    try:
        value, error = helper.ask(ask).get(timeout=seconds)
    except Empty:
        raise TimeoutError(f"no answer within {seconds:g} s") from None
    if error is not None:
        raise error
    return cast("T", value)
