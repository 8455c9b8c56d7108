"""A program as a process: started in a group of its own, and ended with all that it started."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING

from offload.embedded.tether import tethered
from offload.files import descendants

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import psutil

#: Bytes that are read of a program's output at once.
READ_BYTES = 1 << 16
#: Seconds for a program to end after SIGTERM, before SIGKILL.
GRACE_SECONDS = 5.0
#: Seconds between two looks whether it ended.
POLL_SECONDS = 0.05


@contextmanager
def started(
    command: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    stdout: IO[bytes] | None,
) -> Iterator[ProgramProcess]:
    """Start a program, whose path is absolute, for a block; then end it and all that it started.

    It dies with this process. A soft time limit waits until the block has begun.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    process = None
    try:
        process = ProgramProcess(
            _popen(command, folder, environment, stdout),
            name=os.path.basename(command[0]),
            run=environment[descendants.MARK],
        )
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        yield process
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        if process is not None:
            process.end()


def _popen(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], stdout: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 -- no shell is between
        tethered(list(command), on_death=signal.SIGKILL),
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=stdout or subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


@dataclass(slots=True)
class ProgramProcess:
    """A program that runs."""

    popen: subprocess.Popen[bytes]
    #: Its name, for people.
    name: str
    #: The mark of its run.
    run: str
    #: The processes that it has started, as far as they were seen.
    family: list[psutil.Process] = field(default_factory=list)

    def output(self, pace: float) -> Iterator[tuple[IO[bytes] | None, bytes]]:
        """Yield its output by stream as it comes, and nothing of none after each ``pace`` seconds.

        End when it has ended, and all that it wrote was read.
        """
        with selectors.DefaultSelector() as selector:
            for stream in (self.popen.stdout, self.popen.stderr):
                if stream is not None:
                    selector.register(stream, selectors.EVENT_READ)
            due = time.monotonic() + pace
            while not (self.has_ended() and not selector.select(0)):
                for key, _ in selector.select(POLL_SECONDS):
                    chunk = os.read(key.fd, READ_BYTES)
                    if not chunk:
                        selector.unregister(key.fileobj)
                    yield key.fileobj, chunk  # type: ignore[misc]
                if not selector.get_map():
                    time.sleep(POLL_SECONDS)
                if time.monotonic() >= due:
                    due = time.monotonic() + pace
                    yield None, b""

    def has_ended(self) -> bool:
        """Return whether it has ended; its number stays its own until `end`."""
        if self.popen.returncode is not None:
            return True
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        with suppress(ChildProcessError):
            return os.waitid(os.P_PID, self.popen.pid, flags) is not None
        return True

    def note_family(self) -> None:
        """Note what it has started so far: some of that may later have another parent."""
        self.family = list({*self.family, *descendants.family(self.popen.pid)})

    @property
    def identity(self) -> descendants.Identity:
        """Return its number, told from a later process with the same."""
        return descendants.identity_of(self.popen.pid)

    def end(self) -> None:
        """End it and all that it started, by force if need be."""
        self.note_family()
        try:
            if not self.has_ended():
                everyone = [*self.family, *descendants.marked(self.run)]
                descendants.send(self.popen.pid, everyone, signal.SIGTERM)
                self._await_end(GRACE_SECONDS)
        finally:
            self.note_family()
            # Also what it started and left behind.
            descendants.send(self.popen.pid, self.family, signal.SIGKILL)
            descendants.end_marked(self.run)
        for stream in (self.popen.stdout, self.popen.stderr):
            if stream is not None:
                stream.close()
        self.popen.wait()

    def _await_end(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not self.has_ended() and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
