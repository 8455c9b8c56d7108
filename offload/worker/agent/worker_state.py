"""What an agent knows of its worker: the last snapshot, and the processes in it."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

from offload.core.placement.topology import Mode

Key = tuple[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What the worker's parent process said last."""

    #: When it was taken, by ``boottime``.
    at: float = 0.0
    mode: Mode = Mode.STARTING
    tick_age: float = 0.0
    connections: int = 0
    concurrency: int = 0
    ended: int = 0
    malformed: int = 0
    held: frozenset[Key] = frozenset()
    running: dict[Key, int] = field(default_factory=dict)
    lost: dict[Key, tuple[str, str]] = field(default_factory=dict)
    #: Names of tasks that messages asked for and the worker does not have.
    refused: dict[Key, str] = field(default_factory=dict)
    #: Runs that Celery was asked to end, and whether by force.
    stops: dict[Key, bool] = field(default_factory=dict)

    @classmethod
    def read(cls, said: dict[str, Any]) -> Snapshot:
        """Return a snapshot as it came over the link."""
        return cls(
            at=said["at"],
            mode=Mode(said["mode"]),
            tick_age=said["tick_age"],
            connections=said["connections"],
            concurrency=said["concurrency"],
            ended=said["ended"],
            malformed=said["malformed"],
            held=frozenset((job, epoch) for job, epoch in said["held"]),
            running={(job, epoch): pid for job, epoch, pid in said["running"]},
            lost={(job, epoch): (cause, told) for job, epoch, cause, told in said["lost"]},
            refused={(job, epoch): task for job, epoch, task in said["refused"]},
            stops={(job, epoch): force for job, epoch, force in said["stops"]},
        )

    @property
    def has_idle_slot(self) -> bool:
        """Return whether a pool process waits for work."""
        return len(self.running) < self.concurrency

    @property
    def news(self) -> tuple[object, ...]:
        """Return what calls for a look at the window when it changes."""
        told = len(self.lost), len(self.refused), tuple(self.stops)
        return self.mode, self.ended, self.connections, told

    def load(self) -> dict[str, Any]:
        """Return what is announced of it."""
        return {
            "held": len(self.held),
            "running": len(self.running),
            "tick_age": round(self.tick_age, 1),
            "connections": self.connections,
            **({"malformed": self.malformed} if self.malformed else {}),
        }


class Process:
    """A process watched by a descriptor: its death is seen at once."""

    def __init__(self, pid: int) -> None:
        """Open the descriptor; a process that is dead already is seen so."""
        self.pid = pid
        self._descriptor: int | None = None
        with suppress(ProcessLookupError):
            self._descriptor = os.pidfd_open(pid)

    @property
    def is_dead(self) -> bool:
        """Return whether the process was dead when it was opened."""
        return self._descriptor is None

    def fileno(self) -> int:
        """Return the descriptor, to poll it."""
        return self._descriptor if self._descriptor is not None else -1

    def close(self) -> None:
        """Close the descriptor."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def descendants(pid: int) -> list[psutil.Process]:
    """Return the processes that a process has started, and those they have."""
    with suppress(psutil.NoSuchProcess):
        return list(psutil.Process(pid).children(recursive=True))
    return []


def end(processes: list[psutil.Process]) -> None:
    """Kill processes that outlived the worker they belonged to."""
    for process in processes:
        if process.pid != os.getpid():
            with suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)
