"""One turn of one contender, in a process of its own: start its worker, measure, stop it.

Writes its figures to ``figures.json`` in the folder of the turn.
"""

from __future__ import annotations

import json
import signal
import sys
import time
from contextlib import nullcontext
from itertools import count
from typing import TYPE_CHECKING, Any

import django

django.setup()

from django.core.management.color import no_style  # noqa: E402
from django.db import connection  # noqa: E402

from tests.benchmarks.site import cost  # noqa: E402
from tests.benchmarks.site.contenders import Contender, contender  # noqa: E402
from tests.benchmarks.site.identity import FOLDER, IS_FLOWS, VARIANT  # noqa: E402
from tests.benchmarks.site.notes import Notes  # noqa: E402
from tests.benchmarks.site.worker import Worker, peer_running, running  # noqa: E402

if IS_FLOWS:
    # The project of the sample workflow installs offload, which other contenders are without.
    from tests.benchmarks.site.flows.contenders import flows

if TYPE_CHECKING:
    from collections.abc import Callable

#: Jobs before anything is measured: connections are opened, plans are made.
WARM_UP = 40
#: Seconds between two jobs at low load, and how many of them.
SPACING = 0.05
SPACED = 100
#: Jobs whose SQL statements are counted.
COUNTED = 100
#: Jobs that travel one by one.
ROUND_TRIPS = 15
#: Seconds for anything to happen.
TIMEOUT_SECONDS = 60.0
#: Runs of the sample workflow before anything is measured, and seconds for all of a turn.
WARM_UP_RUNS = 4
FLOWS_TIMEOUT_SECONDS = 600.0
POLL = 0.004
#: Runs take long, and each look costs the processors of both contenders as much as a step.
FLOWS_POLL = 0.05


class Stuck(Exception):
    """An awaited event did not happen."""


def main() -> None:
    """Take the task from the command line: ``time N``, ``count``, ``travel N`` or ``flow N``."""
    act, jobs = sys.argv[1], int(sys.argv[2])
    _empty()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(f"ended by {signal.SIGTERM.name}"))
    there = peer_running() if VARIANT.remote else nullcontext()
    with running() as worker, there:
        turn = Flows(flows(VARIANT), worker) if act == "flow" else Turn(contender(VARIANT), worker)
        turn.warm_up()
        figures = turn.count() if act == "count" else getattr(turn, act)(jobs)
    (FOLDER / "figures.json").write_text(json.dumps(figures), encoding="utf-8")


def _empty() -> None:
    """Begin with empty tables, as large as those of the other contenders."""
    tables = [
        name for name in connection.introspection.table_names()
        if name.startswith(("offload_", "django_celery_results_"))
    ]  # fmt: skip
    statements = connection.ops.sql_flush(no_style(), tables, reset_sequences=True)
    connection.ops.execute_sql_flush(statements)


class Turn:
    """Measures one contender whose worker is up."""

    def __init__(self, contender: Contender, worker: Worker) -> None:
        """Take the contender, and its worker to look after."""
        self._contender = contender
        self._worker = worker
        self._notes = Notes(FOLDER / "notes")
        self._numbers = count()

    def warm_up(self) -> None:
        """Wait until the worker takes jobs, and let it run some."""
        self._await((FOLDER / "ready").exists)
        self._await(self._contender.is_ready)
        for _ in range(WARM_UP):
            self._submit()
        self._drain(WARM_UP)

    def time(self, jobs: int) -> dict[str, Any]:
        """Return all figures that are times."""
        figures = {"latency": self._latency(), **self._loop(jobs)}
        return {**figures, **self._bulk(jobs)} if VARIANT.offload else figures

    def count(self) -> dict[str, Any]:
        """Return how many SQL statements a job takes, by kind of process."""
        logs = {role: FOLDER / f"sql.{role}" for role in ("submitter", "worker", "agent")}
        for log in logs.values():
            log.unlink(missing_ok=True)
        for _ in range(COUNTED):
            self._submit()
        submitting = _lines(logs["submitter"])
        self._drain(COUNTED)
        found = {role: _lines(log) / COUNTED for role, log in logs.items()}
        return {"statements": {**found, "submitter": submitting / COUNTED}}

    def travel(self, jobs: int) -> dict[str, Any]:
        """Return jobs per second until the last has its result here, and seconds of single jobs."""
        single = [self._round_trip() for _ in range(ROUND_TRIPS)]
        numbers = [next(self._numbers) for _ in range(jobs)]
        start = time.perf_counter()
        self._contender.submit_many(numbers)
        self._drain(jobs)
        return {"round_trip": single, "through": jobs / (time.perf_counter() - start)}

    def _round_trip(self) -> float:
        """Return seconds from submitting one job to its result, with nothing else to do."""
        start = time.perf_counter()
        self._submit()
        self._drain(1)
        return time.perf_counter() - start

    def _latency(self) -> list[float]:
        """Return seconds from submitting to beginning, at low load."""
        sent: dict[int, float] = {}
        for _ in range(SPACED):
            now = time.monotonic()
            sent[self._submit()] = now
            time.sleep(max(0.0, now + SPACING - time.monotonic()))
        self._drain(SPACED)
        begun = self._notes.read()
        return [begun[number] - at for number, at in sent.items()]

    def _loop(self, jobs: int) -> dict[str, Any]:
        """Submit one by one; return jobs per second of submitting, and until the last has ended.

        Also what they cost.
        """
        before, start = cost.spent(), time.perf_counter()
        for _ in range(jobs):
            self._submit()
        submitted = time.perf_counter()
        self._drain(jobs)
        return {
            "submit": jobs / (submitted - start),
            "through": jobs / (time.perf_counter() - start),
            "cpu": cost.since(before, jobs),
        }

    def _bulk(self, jobs: int) -> dict[str, float]:
        """Do the same by one call."""
        numbers = [next(self._numbers) for _ in range(jobs)]
        start = time.perf_counter()
        self._contender.submit_many(numbers)
        submitted = time.perf_counter()
        self._drain(jobs)
        return {
            "submit_bulk": jobs / (submitted - start),
            "through_bulk": jobs / (time.perf_counter() - start),
        }

    def _submit(self) -> int:
        number = next(self._numbers)
        self._contender.submit(number)
        return number

    def _drain(self, jobs: int) -> None:
        """Wait until so many more jobs than before have begun, and then until they have ended."""
        total = self._notes.expect(jobs)
        self._await(lambda: self._notes.count() >= total)
        self._await(lambda: self._contender.has_ended(total))

    def _await(
        self, look: Callable[[], bool], seconds: float = TIMEOUT_SECONDS, *, poll: float = POLL
    ) -> None:
        deadline = time.monotonic() + seconds
        while not look():
            if self._worker.has_ended or time.monotonic() > deadline:
                raise Stuck(f"nothing more came; the worker said last:\n{self._worker.last_words}")
            time.sleep(poll)


class Flows(Turn):
    """Measures runs of the sample workflow."""

    def warm_up(self) -> None:
        """Wait until the worker takes jobs, and let it do some runs."""
        self._await((FOLDER / "ready").exists)
        self._await(self._contender.is_ready)
        self._run(WARM_UP_RUNS)

    def flow(self, runs: int) -> dict[str, Any]:
        """Return runs per second until the last has ended, and what was verified of them."""
        before, start = cost.spent(), time.perf_counter()
        self._run(runs)
        seconds, cpu = time.perf_counter() - start, cost.since(before, runs)
        # What it costs to verify what was made is nobody's.
        verified = flows(VARIANT).verified(runs + WARM_UP_RUNS)
        return {"runs": runs / seconds, "cpu": cpu, "verified": verified}

    def _run(self, runs: int) -> None:
        for _ in range(runs):
            self._submit()
        total = self._notes.expect(runs)
        self._await(
            lambda: self._contender.has_ended(total), FLOWS_TIMEOUT_SECONDS, poll=FLOWS_POLL
        )


def _lines(path: Any) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


if __name__ == "__main__":
    main()
