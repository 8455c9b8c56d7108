"""One run of the suite: a server, a worker, the suite's own pytest, and the outcomes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from offload.embedded.tether import tethered
from tests.celery_suite.outcomes import read
from tests.celery_suite.server import valkey
from tests.celery_suite.source import unpacked
from tests.celery_suite.worker import NODE, working

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.celery_suite.outcomes import Tests

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ("-p", "tests.celery_suite.plugin", "-p", "celery.contrib.pytest")
#: Plugins of our own tests that the suite knows nothing of.
OTHERS = ("randomly", "django", "cacheprovider", "cov")
#: No check of Celery: the app that offload is installed into is not imported by settings.
MIGRATE = ("django", "migrate", "--skip-checks", "--verbosity", "0")
#: The exit codes of pytest after it ran the tests: all passed, and some failed.
RAN = (0, 1)
#: Seconds of a test that says nothing of its own: as long as the suite gives those that do.
LIMIT = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Which tasks the suite has, and where their results go."""

    #: ``stock`` or ``jobs``.
    tasks: str
    #: ``redis`` or ``django-db``.
    results: str
    #: The suite, and where this run writes.
    suite: Path
    folder: Path

    @classmethod
    def of(cls, cache: Path, tasks: str, results: str, suffix: str = "") -> Run:
        """Return a run that writes beside the suite, in a cache."""
        folder = cache / f"{tasks}-{results}{suffix}"
        return cls(tasks=tasks, results=results, suite=unpacked(cache), folder=folder)

    def __str__(self) -> str:
        """Say which it is."""
        return f"{self.tasks}, results in {self.results}"


@contextmanager
def prepared(run: Run) -> Iterator[Callable[[Sequence[str]], Tests]]:
    """Give the block a function that runs tests against a worker, and returns their outcomes."""
    run.folder.mkdir(parents=True)
    with valkey(run.folder) as port:
        environment = _environment(run, port)
        _python(run, environment, *MIGRATE).check_returncode()
        with working(environment, cwd=run.suite, log=run.folder / "worker.log"):
            yield lambda tests: _tested(run, environment, tests)


def _environment(run: Run, port: int) -> dict[str, str]:
    server = f"redis://127.0.0.1:{port}/0"
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(run.suite)]),
        "DJANGO_SETTINGS_MODULE": "tests.celery_suite.settings",
        "REDIS_HOST": "127.0.0.1",
        "REDIS_PORT": str(port),
        "TEST_BROKER": server,
        "TEST_BACKEND": server if run.results == "redis" else run.results,
        "SUITE_TASKS": run.tasks,
        "SUITE_FOLDER": str(run.folder),
        "SUITE_WORKER": NODE,
    }


def _tested(run: Run, environment: dict[str, str], tests: Sequence[str]) -> Tests:
    outcomes = run.folder / f"outcomes-{len(list(run.folder.glob('outcomes-*'))) + 1}"
    environment = {**environment, "SUITE_OUTCOMES": str(outcomes)}
    options = [*PLUGINS, "--timeout", str(LIMIT), "--durations", "20"]
    for other in OTHERS:
        options += ["-p", f"no:{other}"]
    done = _python(run, environment, "pytest", *options, *tests)
    assert done.returncode in RAN, f"pytest ended with {done.returncode}; see {run.folder}"
    return read(outcomes)


def _python(
    run: Run, environment: dict[str, str], *command: str
) -> subprocess.CompletedProcess[bytes]:
    with (run.folder / f"{command[0]}.log").open("ab") as log:
        return subprocess.run(
            tethered([sys.executable, "-m", *command], on_death=signal.SIGKILL),
            cwd=run.suite,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            check=False,
        )
