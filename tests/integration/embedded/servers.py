"""Embedded brokers, and other processes that have started one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psutil
import pytest
from kombu import Connection

from offload.embedded import EmbeddedBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Return a folder whose path is short enough for a socket, and none a shell would like."""
    return tmp_path / 'a "b" %20 ü'


@pytest.fixture
def embedded(directory: Path) -> Iterator[EmbeddedBroker]:
    """Return a broker that is stopped after the test."""
    started = EmbeddedBroker(directory)
    yield started
    started.stop()


def server_of(directory: Path) -> psutil.Process:
    """Return the process of the server that runs in the folder."""
    marks = json.loads((directory / "valkey.pid").read_text())
    return psutil.Process(marks["server"]["pid"])


def put(url: str, message: str) -> None:
    """Put a message into a queue as Celery's transport does."""
    with Connection(url) as connection, connection.SimpleQueue("kept") as queue:
        queue.put(message)


def take(url: str) -> str:
    """Take a message from the queue."""
    with Connection(url) as connection, connection.SimpleQueue("kept") as queue:
        message = queue.get(timeout=30)
        message.ack()
        return str(message.payload)
