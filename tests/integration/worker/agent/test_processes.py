"""The processes of a worker that died."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import psutil

from offload.worker.agent import processes
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    import pytest


def test_what_a_dead_worker_left_is_killed_and_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "CENSUS_SECONDS", -1.0)
    with subprocess.Popen(["sh", "-c", "sleep 600 & wait"]) as worker:
        family = processes.Family(worker.pid)
        [left] = eventually(lambda: psutil.Process(worker.pid).children())
        family.note()
        assert family.has_others

        worker.kill()
        worker.wait()
        family.note()
        dying = family.end()

    assert [one.pid for one in dying] == [left.pid]
    eventually(lambda: has_ended(left), what="the end of what it left")
