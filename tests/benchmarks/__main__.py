"""Measure jobs against bare Celery, side by side: same broker, same database, same pool."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from offload.embedded import EmbeddedBroker
from project.fleet import StopRequest, ending_in_order
from tests.benchmarks import databases, machine, routing, simulated_fleet, tables
from tests.benchmarks.figures import Samples, flows, places, summary
from tests.benchmarks.files import measuring
from tests.benchmarks.turns import Arena, TurnFailed
from tests.benchmarks.variants import FLOWS, PLACES, VARIANTS, variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.status import Status

VAR = Path(__file__).resolve().parents[2] / "var"
#: Columns where the tables go into a file or a log.
WIDTH = 150
#: One job in so many travels: one by one they take a thousand times as long.
TRAVELLING_PART = 10
CHOICES = ("sqlite", "postgresql", "both")


def main() -> int:
    """Measure, print the tables, and write everything to ``var/bench.json``."""
    options, console = _options(), Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    try:
        with ending_in_order() as stop:
            report = _measure(options, console, stop)
    except KeyboardInterrupt:
        console.print("Interrupted; everything was stopped.")
        return 130
    except TurnFailed as failure:
        console.print(str(failure), style="red", markup=False)
        return 1
    path = VAR / "bench.json"
    path.write_text(json.dumps(report, indent=1), encoding="utf-8")
    console.print(f"All samples are in {path}.", soft_wrap=True)
    return 0


def _options() -> Namespace:
    parser = ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="jobs per turn (1000)")
    parser.add_argument("--runs", type=int, default=5, help="paired runs (5)")
    parser.add_argument("--database", choices=CHOICES, default="both", help="where reachable")
    parser.add_argument("--files", action="store_true", help="measure nothing but files")
    parser.add_argument("--flows", type=int, default=200, help="runs of the sample workflow (200)")
    parser.add_argument("--flows-only", action="store_true", help="measure nothing but these")
    parser.add_argument("--fleets-only", action="store_true", help="measure simulated fleets alone")
    parser.add_argument("--mib", type=int, default=1024, help="size of the large file (1024)")
    parser.add_argument("--quick", action="store_true", help="200 jobs, 2 runs: a look, no proof")
    options = parser.parse_args()
    if options.quick:
        options.jobs, options.runs, options.mib, options.flows = 200, 2, 256, 40
    return options


def _measure(options: Namespace, console: Console, stop: StopRequest) -> dict[str, Any]:
    VAR.mkdir(exist_ok=True)
    report: dict[str, Any] = {
        "machine": machine.facts(),
        "jobs": options.jobs,
        "runs": options.runs,
        "routing": routing.measure(),
        "databases": {},
        "fleets": {},
    }
    console.print(tables.routing(report["routing"]))
    # On the disk of the project: a temporary one may lie in memory, which writes faster.
    with tempfile.TemporaryDirectory(prefix="bench-", dir=VAR) as folder, _broker(folder) as broker:
        files = Path(folder) / "files"
        if not options.flows_only and not options.fleets_only:
            report["files"] = measuring.measure(files, console, runs=options.runs, mib=options.mib)
        for name in [] if options.files else _databases(options.database, console):
            arena = partial(Arena, folder=Path(folder) / "turn", broker=broker, stop=stop)
            if not options.flows_only:
                report["fleets"][name] = _fleets(name, Path(folder), console)
            if not options.fleets_only:
                measured = _flows if options.flows_only else _side_by_side
                report["databases"][name] = measured(name, Path(folder), arena, options, console)
    return report


@contextmanager
def _broker(folder: str) -> Iterator[str]:
    """Yield the broker's address: the one the environment names, or one of our own."""
    if given := os.environ.get("OFFLOAD_BROKER"):
        yield given
        return
    with EmbeddedBroker(Path(folder) / "broker") as broker:
        yield broker.url


def _databases(asked: str, console: Console) -> list[str]:
    wanted = ["sqlite", "postgresql"] if asked == "both" else [asked]
    there = databases.reachable()
    for name in set(wanted) - set(there):
        console.print(f"{name} is not reachable at {databases.SERVER} and left out.")
    return [name for name in wanted if name in there]


def _fleets(name: str, folder: Path, console: Console) -> dict[str, Any]:
    """Measure fleets of rows, with a real leader."""
    with databases.database(name, folder) as url, console.status(f"{name}: simulated fleets"):
        found = simulated_fleet.measure(url)
    console.print(tables.fleets(name, found))
    return found


def _flows(
    name: str, folder: Path, make: Callable[..., Arena], options: Namespace, console: Console
) -> dict[str, Any]:
    """Measure runs of the sample workflow alone."""
    with databases.database(name, folder) as url, console.status(name) as status:
        arena = make(database=url)
        arena.migrate(next(one for one in VARIANTS if one.offload))
        return _measured_flows(name, arena, options, console, status)


def _measured_flows(
    name: str, arena: Arena, options: Namespace, console: Console, status: Status
) -> dict[str, Any]:
    samples: Samples = {key: [] for key in FLOWS}
    for run in range(1, options.runs + 1):
        for key in FLOWS:
            status.update(f"{name}: run {run} of {options.runs}, workflows of {variant(key).label}")
            samples[key].append(arena.flow(variant(key), options.flows))
    console.print(tables.flows(name, found := flows(samples)))
    return {"flows": found, "flow_samples": samples}


def _side_by_side(
    name: str, folder: Path, make: Callable[..., Arena], options: Namespace, console: Console
) -> dict[str, Any]:
    samples: Samples = {one.key: [] for one in VARIANTS}
    with databases.database(name, folder) as url, console.status(name) as status:
        arena = make(database=url)
        arena.migrate(next(one for one in VARIANTS if one.offload))
        statements = {}
        for one in VARIANTS:
            status.update(f"{name}: counting statements of {one.label}")
            statements[one.key] = arena.count(one)["statements"]
        for run in range(1, options.runs + 1):
            for one in VARIANTS:
                status.update(f"{name}: run {run} of {options.runs}, {one.label}")
                samples[one.key].append(arena.time(one, options.jobs))
        trips: Samples = {one.key: [] for one in PLACES}
        for run in range(1, options.runs + 1):
            for one in PLACES:
                status.update(f"{name}: run {run} of {options.runs}, jobs {one.label}")
                trips[one.key].append(arena.travel(one, options.jobs // TRAVELLING_PART))
        ran = _measured_flows(name, arena, options, console, status)
    console.print(tables.figures(name, found := summary(samples), statements))
    console.print(tables.ratios(name, found), tables.places(name, where := places(trips)))
    version = databases.version(name)
    samples |= trips
    return {
        "version": version, **found, **ran, "places": where, "statements": statements,
        "samples": samples,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
