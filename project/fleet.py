"""Programs that are started together and never outlive their starter."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import psutil

from offload.embedded.private import read_json, write_json
from offload.embedded.process import ProcessMark
from offload.embedded.tether import tethered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

#: Seconds a program gets to end by itself.
EXIT_SECONDS = 10.0

#: Seconds between two looks at a program that does its work.
POLL_SECONDS = 0.05

#: Lines of a log that are shown when its program has ended.
LAST_LINES = 15

#: Signals that ask for an end.
ENDING_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


#: Seconds that a program must have run to be started again: what ends sooner would end again.
RESTART_AFTER_SECONDS = 5.0


class StopRequest:
    """A signal's request to end, heeded where `check` is called.

    An exception out of a signal's handler may come up anywhere, also where a library has just
    taken a lock and could not give it back. So the first signal is noted; a second one interrupts.
    """

    def __init__(self) -> None:
        self._made_by = ""

    def note(self, number: int) -> None:
        """Note the signal; raise KeyboardInterrupt if there was one before."""
        again, self._made_by = self._made_by, signal.Signals(number).name
        if again:
            self.check()

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has asked for the end."""
        if self._made_by:
            raise KeyboardInterrupt(self._made_by)


class ProgramEnded(Exception):
    """A program of the fleet has ended though nobody asked it to."""

    def __init__(self, *, name: str, code: int, log: Path) -> None:
        self.name = name
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LAST_LINES:]
        super().__init__(f"{name} ended with code {code}; its log {log} ends:\n" + "\n".join(lines))


@dataclass(frozen=True, slots=True)
class Order:
    """How a program is started."""

    command: list[str]
    environment: dict[str, str]


class Fleet:
    """Programs of one folder: their logs are in `log/`, their process ids in `run/`.

    They end when the block ends, however it ends; if this process is killed, so are they.
    """

    def __init__(
        self, folder: Path, environment: Mapping[str, str], stop: StopRequest | None = None
    ) -> None:
        self.folder = folder
        self._stop_request = stop or StopRequest()
        self._environment = {**os.environ, **environment}
        self._programs: dict[str, subprocess.Popen[bytes]] = {}
        self._orders: dict[str, Order] = {}
        self._begun: dict[str, float] = {}

    def start(
        self, name: str, command: Sequence[str], variables: Mapping[str, str] | None = None
    ) -> None:
        """Start a program, with these variables too; its log begins anew."""
        log = self._log(name)
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_bytes(b"")
        self._orders[name] = Order(list(command), {**self._environment, **(variables or {})})
        self._run(name)

    def _run(self, name: str) -> None:
        order = self._orders[name]
        run = self._mark(name)
        run.parent.mkdir(parents=True, exist_ok=True)
        with self._log(name).open("ab") as output:
            # A session of its own: Ctrl-C reaches this process alone, which ends them in order.
            program = subprocess.Popen(  # noqa: S603 -- our own programs
                tethered(order.command, on_death=signal.SIGKILL),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=order.environment,
            )
        self._programs[name] = program
        self._begun[name] = time.monotonic()
        write_json(run, ProcessMark.of(program.pid).dump())

    def complete(self, name: str) -> None:
        """Wait until a program has done its work and ended.

        Raise ProgramEnded if it failed, KeyboardInterrupt if asked to end.
        """
        program = self._programs[name]
        while (code := program.poll()) is None:
            self._stop_request.check()
            time.sleep(POLL_SECONDS)
        if code:
            raise ProgramEnded(name=name, code=code, log=self._log(name))
        self._mark(name).unlink()
        del self._programs[name]

    def check(self) -> None:
        """Raise ProgramEnded if a program is not running, KeyboardInterrupt if asked to end."""
        self._stop_request.check()
        for name, code in self._ended().items():
            raise ProgramEnded(name=name, code=code, log=self._log(name))

    def revive(self) -> dict[str, int]:
        """Start programs again that have ended; return their names with their exit codes.

        Raise ProgramEnded for one that ended soon after its start, KeyboardInterrupt if asked to
        end.
        """
        self._stop_request.check()
        ended = self._ended()
        for name, code in ended.items():
            if time.monotonic() - self._begun[name] < RESTART_AFTER_SECONDS:
                raise ProgramEnded(name=name, code=code, log=self._log(name))
            self._run(name)
        return ended

    def _ended(self) -> dict[str, int]:
        codes = {name: program.poll() for name, program in self._programs.items()}
        return {name: code for name, code in codes.items() if code is not None}

    def stop(self) -> None:
        """End all programs and everything they started; nothing interrupts it."""
        with deaf():
            family = [member for program in self._programs.values() for member in tree(program.pid)]
            for program in self._programs.values():
                program.terminate()
            for name, program in self._programs.items():
                await_end(program)
                self._mark(name).unlink(missing_ok=True)
            kill(family)
            self._programs.clear()

    def __enter__(self) -> Self:
        """End what a killed predecessor may have left running."""
        self._end_leftovers()
        return self

    def __exit__(self, *_: object) -> None:
        """End the programs."""
        self.stop()

    def _end_leftovers(self) -> None:
        for path in sorted((self.folder / "run").glob("*.pid")):
            with suppress(KeyError, TypeError, ValueError):
                mark = ProcessMark.load(read_json(path))
                family = tree(mark.pid) if mark.is_alive else []
                mark.end(EXIT_SECONDS)
                kill(family)
            path.unlink()

    def _log(self, name: str) -> Path:
        return self.folder / "log" / f"{name}.log"

    def _mark(self, name: str) -> Path:
        return self.folder / "run" / f"{name}.pid"


def tree(pid: int) -> list[psutil.Process]:
    """Return the living process and everything it started."""
    with suppress(psutil.NoSuchProcess):
        top = psutil.Process(pid)
        return [top, *top.children(recursive=True)]
    return []


def await_end(program: subprocess.Popen[bytes]) -> None:
    """Wait for the program to end, and make it end if it does not."""
    try:
        program.wait(EXIT_SECONDS)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()


def kill(family: list[psutil.Process]) -> None:
    """Make sure that none of the processes lives on."""
    _, alive = psutil.wait_procs(family, timeout=2.0)
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, timeout=2.0)


@contextmanager
def deaf() -> Iterator[None]:
    """Ignore signals that ask for an end."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def ending_in_order() -> Iterator[StopRequest]:
    """Take signals that ask for an end as a request, for the block."""
    request = StopRequest()
    before = {
        number: signal.signal(number, lambda number, _: request.note(number))
        for number in ENDING_SIGNALS
    }
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
