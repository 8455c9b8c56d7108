"""Turns: each in a process of its own, one after the other."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.embedded.tether import tethered
from project import environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from project.fleet import StopRequest
    from tests.benchmarks.variants import Variant

SETTINGS = "tests.benchmarks.site.settings"
#: Seconds that a driver gets to stop its worker.
GRACE = 30.0
#: Seconds between two looks whether somebody asked for the end: few, not to disturb what runs.
LOOK = 1.0
LAST_LINES = 25


class TurnFailed(Exception):
    """A turn ended without figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """Where the contenders meet: one broker, one database, one folder."""

    folder: Path
    broker: str
    #: As Django's settings have it.
    database: Mapping[str, Any]
    stop: StopRequest

    def environment(self, variant: Variant) -> dict[str, str]:
        """Return the variables that tell the site who it is."""
        return {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "BENCH_VARIANT": variant.key,
            "BENCH_FOLDER": str(self.folder),
            "BENCH_OWNER": str(os.getpid()),
            "BENCH_BROKER": self.broker,
            "BENCH_DATABASE": json.dumps(self.database),
            "BENCH_PEER_DATABASE": json.dumps(environment.sqlite(self.folder / "peer.sqlite3")),
        }

    def migrate(self, variant: Variant) -> None:
        """Make the tables."""
        self._run(variant, ["-m", "django", "migrate", "--verbosity", "0"])

    def time(self, variant: Variant, jobs: int) -> dict[str, Any]:
        """Return the times of one turn."""
        return self._turn(variant, "time", jobs)

    def count(self, variant: Variant) -> dict[str, Any]:
        """Return the SQL statements per job."""
        return self._turn(variant, "count", 0, BENCH_COUNT="1")

    def travel(self, variant: Variant, jobs: int) -> dict[str, Any]:
        """Return the times of one turn whose jobs run where the variant says."""
        return self._turn(variant, "travel", jobs)

    def flow(self, variant: Variant, runs: int) -> dict[str, Any]:
        """Return the figures of one turn of runs of the sample workflow."""
        return self._turn(variant, "flow", runs, BENCH_FLOWS="1")

    def _turn(self, variant: Variant, act: str, jobs: int, **more: str) -> dict[str, Any]:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self._run(variant, ["-m", "tests.benchmarks.site.driver", act, str(jobs)], **more)
        figures: dict[str, Any] = json.loads((self.folder / "figures.json").read_text())
        return figures

    def _run(self, variant: Variant, arguments: list[str], **more: str) -> None:
        driver = subprocess.Popen(
            tethered([sys.executable, *arguments], on_death=signal.SIGTERM),
            env={**self.environment(variant), **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            # A session of its own: Ctrl-C reaches this process alone, which ends it in order.
            start_new_session=True,
            text=True,
        )
        try:
            said = self._said(driver)
        except BaseException:
            end(driver)
            raise
        if driver.returncode:
            raise TurnFailed(f"{variant.label}:\n" + "\n".join(said.splitlines()[-LAST_LINES:]))

    def _said(self, driver: subprocess.Popen[str]) -> str:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return driver.communicate(timeout=LOOK)[0]
            self.stop.check()


def end(driver: subprocess.Popen[str]) -> None:
    """Let a driver stop what it started."""
    driver.terminate()
    try:
        driver.wait(GRACE)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()
