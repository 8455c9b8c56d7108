"""Asking others that may never answer."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def within(seconds: float, ask: Callable[[], T]) -> T:
    """Return what `ask` returns, or raise what it raises; TimeoutError where that takes longer.

    Then it goes on in a thread that nobody waits for: libraries try again for minutes.
    """
    answer: Future[T] = Future()
    threading.Thread(target=_answer, args=(answer, ask), daemon=True).start()
    try:
        return answer.result(timeout=seconds)
    except TimeoutError as error:
        raise TimeoutError(f"no answer within {seconds:g} s") from error


def _answer(answer: Future[T], ask: Callable[[], T]) -> None:
    try:
        answer.set_result(ask())
    except BaseException as error:  # It is raised again where the answer is waited for.
        answer.set_exception(error)
