"""Unit tests touch nothing outside their process: what would is refused, in each of its ways."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from offload.models import Job

if TYPE_CHECKING:
    from collections.abc import Callable

WAYS: dict[str, Callable[[], Any]] = {
    "subprocess.Popen": lambda: subprocess.run([sys.executable, "-c", ""], check=False),
    "os.fork": os.fork,
    "os.system": lambda: os.system("true"),  # noqa: S605
    "socket.connect": lambda: socket.create_connection(("127.0.0.1", 1), 1),
    "socket.getaddrinfo": lambda: socket.getaddrinfo("localhost", 1),
    "sqlite3.connect": lambda: sqlite3.connect(":memory:"),
}


@pytest.mark.parametrize("event", WAYS)
def test_what_reaches_out_of_the_process_is_refused(event: str) -> None:
    with pytest.raises(RuntimeError, match="move the test"):
        WAYS[event]()


def test_a_database_is_refused() -> None:
    with pytest.raises(RuntimeError, match="Database access not allowed"):
        Job.objects.exists()
