"""Several files at a time: a bounded number, and none is begun after one has failed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from offload.files.transports.concurrency import side_by_side
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Callable


class Counter:
    """Tasks that count how many of them run, and wait until so many do."""

    def __init__(self, together: int) -> None:
        self.running = self.most = self.begun = 0
        self.together = together
        self.lock = threading.Lock()

    def task(self, number: int) -> Callable[[], int]:
        """Return a task."""

        def run() -> int:
            with self.lock:
                self.running += 1
                self.begun += 1
                self.most = max(self.most, self.running)
            eventually(lambda: self.most >= self.together)
            with self.lock:
                self.running -= 1
            return number

        return run


def test_so_many_run_at_a_time_and_no_more() -> None:
    counter = Counter(together=3)

    results = side_by_side(
        [counter.task(number) for number in range(20)], threads=3, cancelled=threading.Event()
    )

    assert results == list(range(20))
    assert counter.most == 3


def test_the_first_error_is_raised_and_ends_the_others() -> None:
    cancelled = threading.Event()
    begun: list[int] = []

    def waiting() -> None:
        begun.append(1)
        assert cancelled.wait(30)

    def failing() -> None:
        eventually(lambda: begun)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        side_by_side([waiting, failing, *[waiting] * 10], threads=2, cancelled=cancelled)

    # One ran beside the failing one; another may have begun before the error was seen.
    assert len(begun) <= 2
    assert cancelled.is_set()


def test_without_files_there_is_nothing_to_do() -> None:
    assert side_by_side([], threads=2, cancelled=threading.Event()) == []
