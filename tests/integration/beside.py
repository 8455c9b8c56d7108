"""What other threads do on connections of their own, at once or while this one looks."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from django.db import connections

from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


#: Whether somebody waits for a lock of this connection.
BLOCKED = (
    "SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)


def together(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run all in threads that begin at once, each with its own connection; return what they did."""
    start, done = threading.Barrier(len(acts)), [None] * len(acts)
    errors: list[BaseException] = []

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            start.wait()
            done[number] = act()
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    return done


class Beside:
    """Something that another thread does on a connection of its own."""

    def __init__(self, act: Callable[[], Any]) -> None:
        """Begin it."""
        self.error: BaseException | None = None
        self._act = act
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._act()
        except BaseException as error:
            self.error = error
        finally:
            connections.close_all()

    def waits_or_has_ended(self) -> bool:
        """Tell whether it waits for what this thread has locked, or has ended."""
        return not self._thread.is_alive() or bool(database.rows(BLOCKED))

    def end(self) -> None:
        """Wait for its end; raise what it raised."""
        self._thread.join(30)
        assert not self._thread.is_alive()
        if self.error:
            raise self.error
