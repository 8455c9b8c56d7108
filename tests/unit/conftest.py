"""Unit tests touch nothing outside their process: whatever would is refused."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

#: The audit events of Python that reach out of the process. Files are let through: tests read the
#: source and write into folders of their own. Django's databases are refused by pytest-django.
OUTSIDE = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.forkpty",
        "os.posix_spawn",
        "os.system",
        "socket.bind",
        "socket.connect",
        "socket.getaddrinfo",
        "socket.sendto",
        "sqlite3.connect",
        "subprocess.Popen",
    }
)


class Guard:
    """Refuses what reaches out of the process, while a unit test runs."""

    is_on = False

    def __call__(self, event: str, _: tuple[object, ...]) -> None:
        """Raise RuntimeError for an event of OUTSIDE."""
        if self.is_on and event in OUTSIDE:
            raise RuntimeError(
                f"a unit test touches nothing outside its process, and this is {event}: "
                "move the test to tests/integration or tests/acceptance"
            )


guard = Guard()
sys.addaudithook(guard)


@pytest.fixture(autouse=True)
def _inside() -> Iterator[None]:
    """Refuse to leave the process for as long as the test runs, in its other fixtures too."""
    guard.is_on = True
    yield
    guard.is_on = False


@pytest.fixture(autouse=True)
def _without_garbage() -> Iterator[None]:
    """Look for no garbage during a test: among the worlds of a model that takes a third longer."""
    gc.disable()
    yield
    gc.enable()
