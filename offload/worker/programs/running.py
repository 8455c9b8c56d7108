"""The run of a program: output, limits and stops while it runs, its files afterwards."""

from __future__ import annotations

import logging
import shutil
import signal
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Protocol

from offload.conf import settings
from offload.core.exceptions import InvalidProgram, ProgramFailed, TooLarge
from offload.core.files.output_lines import Lines
from offload.core.transfers.limits import TransferLimits, check_space
from offload.core.validation.filenames import check_file_name
from offload.files.scratch import sizes
from offload.worker.programs.collecting import collect
from offload.worker.programs.command import program_of, variables, words
from offload.worker.programs.environment import environment
from offload.worker.programs.process import started

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from offload.files.scratch import Scratch
    from offload.models import PayloadFile
    from offload.worker.programs.command import Part
    from offload.worker.programs.process import ProgramProcess

    #: Reads the work done, and the whole, in a line of output; None if it says nothing of it.
    Reader = Callable[[str], tuple[float, float | None] | None]

logger = logging.getLogger("offload.program")

#: Seconds between two looks at stops and disks, and between two reports of progress.
PACE_SECONDS = 1.0
#: A measurement of the folder may take this share of the time.
MEASURED_SHARE = 0.05
#: Lines of a program that go to the log.
LOGGED_LINES = 1_000


class Owner(Protocol):
    """The job that runs a program."""

    @property
    def id(self) -> str:
        """Return the job's id."""

    def progress(self, current: float, total: float | None = None, message: str = "") -> None:
        """Report the progress of the job."""

    def log(self, text: object) -> None:
        """Add a line to the job's log."""

    def check_stop(self) -> None:
        """Raise JobStopped if somebody asked the job to stop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramResult:
    """A program that has ended well."""

    #: The outputs that were made of its files.
    outputs: tuple[PayloadFile, ...]
    #: Its last lines on its standard output, and on that for errors.
    stdout: str
    stderr: str


@dataclass(slots=True, kw_only=True)
class ProgramRun:
    """A program on its way."""

    owner: Owner
    scratch: Scratch
    #: Reads progress in lines.
    reader: Reader | None = None
    #: Seconds.
    timeout: float | None = None
    stdout: Lines = field(default_factory=Lines)
    stderr: Lines = field(default_factory=Lines)
    _began: float = field(default_factory=time.monotonic)
    _logged: int = 0
    #: Progress to be reported: numbers, and the line.
    _news: tuple[float, float | None, str] | None = None
    _measured_at: float = 0.0

    def watch(self, process: ProgramProcess) -> None:
        """Read a program's output until it has ended.

        Raise ProgramFailed if it takes too long, JobStopped, StaleAttempt, NoSpace or TooLarge.
        """
        for stream, chunk in process.output(PACE_SECONDS):
            if stream is None:
                process.note_family()
                self._look(process)
            else:
                self._hear(process, stream, chunk)
        for lines in (self.stdout, self.stderr):
            self._log(process, lines.end())
            if self._logged > LOGGED_LINES:
                self._log_last(process, lines)
        self._report()

    def check(self, process: ProgramProcess) -> None:
        """Raise ProgramFailed if an ended program failed."""
        if status := process.popen.returncode:
            raise self._failure(process, _status_text(status), status)

    def _hear(self, process: ProgramProcess, stream: IO[bytes], chunk: bytes) -> None:
        lines = self.stderr if stream is process.popen.stderr else self.stdout
        # Once nothing is logged any more, and nothing is read in lines, the last ones are enough.
        is_enough = self.reader is None and self._logged > LOGGED_LINES
        self._log(process, lines.feed_last(chunk) if is_enough else lines.feed(chunk))

    def _log(self, process: ProgramProcess, lines: Iterable[str]) -> None:
        for line in lines:
            self._logged += 1
            if self._logged <= LOGGED_LINES:
                logger.info("job %s: %s: %s", self.owner.id, process.name, line)
                self.owner.log(f"{process.name}: {line}")
            elif self._logged == LOGGED_LINES + 1:
                logger.info("job %s: %s: further lines are left out", self.owner.id, process.name)
                self.owner.log(f"{process.name}: further lines are left out")
            news = self.reader(line) if self.reader else (float("nan"), None)
            if news is not None:
                self._news = (*news, line)

    def _log_last(self, process: ProgramProcess, lines: Lines) -> None:
        for line in lines.last:
            self.owner.log(f"{process.name}: {line}")

    def _look(self, process: ProgramProcess) -> None:
        self.owner.check_stop()
        self._report()
        if self.timeout is not None and time.monotonic() - self._began > self.timeout:
            raise self._failure(process, f"it took longer than {self.timeout:g} s", None)
        self._measure(process)

    def _report(self) -> None:
        news, self._news = self._news, None
        if news is not None:
            self.owner.progress(*news)

    def _measure(self, process: ProgramProcess) -> None:
        """Raise NoSpace or TooLarge if the program fills the disk, or more than it may."""
        place, began = self.scratch.place, time.monotonic()
        if place is None or began < self._measured_at:
            return
        check_disk(place, process.name)
        found = list(sizes(place))
        total, most = sum(size for size, _ in found), settings().max_scratch
        if total > most:
            problem = f"the files of the run have {total:,} bytes, {most:,} are allowed"
            raise TooLarge(name=max(found)[1], problem=problem)
        took = time.monotonic() - began
        self._measured_at = began + took / MEASURED_SHARE

    def _failure(self, process: ProgramProcess, problem: str, status: int | None) -> ProgramFailed:
        return ProgramFailed(
            program=process.name,
            problem=problem,
            status=status,
            stderr="\n".join(self.stderr.last),
        )


def check_disk(place: Path, program: str) -> None:
    """Raise NoSpace if less of a folder's disk is free than must stay so."""
    limits = TransferLimits(free_bytes=settings().min_free)
    check_space(limits, name=program, needed=1, free=shutil.disk_usage(place).free)


def _status_text(status: int) -> str:
    if status > 0:
        return f"it ended with status {status}"
    try:
        return f"it was killed by {signal.Signals(-status).name} ({-status})"
    except ValueError:
        return f"it was killed by signal {-status}"


def run_program(
    run: ProgramRun,
    command: Sequence[Part],
    *,
    outputs: Sequence[str] | None,
    stdout: str | None,
    env: Mapping[str, str] | None,
    add: Callable[[str, IO[bytes]], PayloadFile],
) -> ProgramResult:
    """Run a program to its end in the scratch folder, and add the files that it made.

    Raise InvalidProgram or InvalidName before it starts, and what `ProgramRun` raises.
    """
    if isinstance(outputs, str):
        raise InvalidProgram(problem=f"outputs={outputs!r:.100} is no list of patterns")
    folder = run.scratch.folder("work")
    name, *arguments = words(command)
    into = None if stdout is None else folder / check_file_name(stdout)
    variables_ = environment(run.scratch.folder("temporary"), variables(env))
    program = program_of(name, variables_["PATH"])
    check_disk(folder, program)
    with (
        _opened(into) as target,
        started(
            [program, *arguments], folder=folder, environment=variables_, stdout=target
        ) as process,
        run.scratch.noting(process.identity),
    ):
        run.watch(process)
    run.check(process)
    made = collect(folder, outputs, add, process.name)
    return ProgramResult(
        outputs=tuple(made), stdout="\n".join(run.stdout.last), stderr="\n".join(run.stderr.last)
    )


def _opened(path: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    if path is None:
        return nullcontext()
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb")
