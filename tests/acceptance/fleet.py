"""Real Celery workers of the acceptance tests' site, and ways to disturb them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from offload.core.placement.topology import Mode
from offload.embedded.tether import tethered
from offload.models import Instance
from offload.models.versions import raise_version
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.acceptance.place import Place

ROOT = Path(__file__).resolve().parents[2]
#: Seconds in which a worker must have started on a busy machine.
START_LIMIT = 120.0
#: Workers started like this are kept for the tests that follow.
USUAL: dict[str, Any] = {"pool": "prefork", "concurrency": 2, "options": (), "variables": {}}


@dataclass(slots=True, eq=False)
class Worker:
    """One worker's parent process, and its family."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path
    is_usual: bool
    #: Where its results go.
    results: str | None = None
    #: How many bytes of its log are of tests before.
    before: int = 0

    @property
    def row(self) -> Instance:
        """Return its announcement."""
        found: Instance = Instance.objects.get(pk=self.name)
        return found

    @property
    def is_alive(self) -> bool:
        """Return whether its parent process runs."""
        return self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Return whether it announced that it takes work."""
        rows = Instance.objects.filter(pk=self.name, pid=self.process.pid, mode=Mode.READY)
        return bool(rows.exists())

    @property
    def family(self) -> list[psutil.Process]:
        """Return parent, agent, pool processes and whatever those have started."""
        with suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    @property
    def agent(self) -> psutil.Process:
        """Return the agent beside it."""
        return next(one for one in self.family if "offload.worker.agent" in " ".join(_line(one)))

    def send(self, number: signal.Signals) -> None:
        """Signal the parent process alone."""
        self.process.send_signal(number)

    def send_all(self, number: signal.Signals) -> None:
        """Signal every process, the agent included."""
        for one in self.family:
            with suppress(psutil.NoSuchProcess):
                one.send_signal(number)

    def kill(self) -> None:
        """Kill the parent process as the system would."""
        self.send(signal.SIGKILL)
        self.process.wait()

    def await_ready(self) -> None:
        """Wait until it takes work."""
        eventually(self._starts, within=START_LIMIT, what=f"{self.name} takes work")

    def _starts(self) -> bool:
        assert self.is_alive, f"{self.name} ended with {self.process.poll()}:\n{self.last_words()}"
        return self.is_ready

    def last_words(self, size: int = 6000) -> str:
        """Return the end of its log, as far as it is of this test."""
        return self.log.read_bytes()[self.before :].decode(errors="replace")[-size:]

    def end(self) -> None:
        """Leave nothing of it running."""
        family = self.family
        self.send_all(signal.SIGKILL)
        self.process.wait()
        eventually(lambda: all(map(has_ended, family)), what=f"the end of {self.name}")


def _line(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return process.cmdline()
    return []


@dataclass(slots=True)
class Fleet:
    """The workers of a place; usual ones live on from test to test."""

    place: Place
    workers: dict[str, Worker] = field(default_factory=dict)
    #: Those that live on from tests before, and that this test has not asked for.
    left: set[str] = field(default_factory=set)

    def __getitem__(self, name: str) -> Worker:
        """Return a worker by the short name it was started with."""
        return self.workers[name]

    def begin(self) -> None:
        """Begin another test: no words in the logs are of it so far."""
        self.left = set(self.workers)
        for worker in self.workers.values():
            worker.before = worker.log.stat().st_size

    def need(self, *names: str) -> list[Worker]:
        """Return usual workers of these names, ready, and no others running."""
        for name in set(self.workers) - set(names):
            self.drop(name)
        self.left.clear()
        for name in names:
            if name in self.workers and not self._is_fit(self.workers[name]):
                self.drop(name)
        new = [self.start(name, wait=False) for name in names if name not in self.workers]
        for worker in new:
            worker.await_ready()
        return [self.workers[name] for name in names]

    def _is_fit(self, worker: Worker) -> bool:
        same = worker.results == os.environ.get("ACCEPTANCE_RESULTS")
        return same and worker.is_usual and worker.is_alive and worker.is_ready

    def start(
        self,
        name: str,
        *,
        pool: str = "prefork",
        concurrency: int = 2,
        options: Sequence[str] = (),
        variables: dict[str, str] | None = None,
        wait: bool = True,
        alias: str = "",
    ) -> Worker:
        """Start a worker and return it, ready unless ``wait`` is false.

        Workers that live on from tests before, and are not needed here, are ended first: they
        would take messages of this test. ``alias`` is how it is known here, where another one has
        its name.
        """
        for other in self.left & set(self.workers):
            self.drop(other)
        self.left.clear()
        if (older := self.workers.get(alias or name)) is not None and older.is_alive:
            self.drop(alias or name)
        nodename = self.place.nodename(name)
        log = self.place.folder / f"{name}-{len(list(self.place.folder.glob('*.log')))}.log"
        given = {"pool": pool, "concurrency": concurrency, "options": options}
        process = self._launch(nodename, log, [*_options(pool, concurrency), *options], variables)
        usual = {**given, "variables": variables or {}} == USUAL
        worker = Worker(
            name=nodename,
            process=process,
            log=log,
            is_usual=usual,
            results=os.environ.get("ACCEPTANCE_RESULTS"),
        )
        self.workers[alias or name] = worker
        if wait:
            worker.await_ready()
        return worker

    def _launch(
        self, nodename: str, log: Path, options: list[str], extra: dict[str, str] | None
    ) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "celery", "-A", "tests.acceptance.site.celery", "worker"]
        with log.open("wb") as output:
            return subprocess.Popen(
                tethered([*command, "-n", nodename, *options], on_death=signal.SIGKILL),
                cwd=ROOT,
                env={**os.environ, **self.place.variables, **(extra or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def drop(self, name: str) -> None:
        """End a worker and forget it, also in the database, unless another has its name."""
        worker = self.workers.pop(name)
        worker.end()
        if worker.name not in {one.name for one in self.workers.values()}:
            Instance.objects.filter(pk=worker.name).delete()
            raise_version()

    def drop_all(self) -> None:
        """Do so with every worker."""
        for name in list(self.workers):
            self.drop(name)

    def end(self) -> None:
        """Leave no process running, whatever became of the database."""
        for worker in self.workers.values():
            worker.end()
        self.workers.clear()


def _options(pool: str, concurrency: int) -> list[str]:
    """Return a worker's usual options; it waits a second for answers of others, if it mingles.

    The demo and the README's site have workers that do.
    """
    usual = ["--pool", pool, "--concurrency", str(concurrency), "--loglevel", "INFO"]
    return [*usual, "--without-mingle"]


def script(place: Place, code: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a program of the site, such as a publisher, to its end."""
    setup = "import django; django.setup(); import tests.acceptance.site.celery\n"
    return subprocess.run(
        [sys.executable, "-c", setup + code],
        cwd=ROOT,
        env={**os.environ, **place.variables, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
