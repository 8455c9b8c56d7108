"""How a process died, seen by a process that is not its parent."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from offload.worker.agent import deaths
from offload.worker.agent.processes import Process

if TYPE_CHECKING:
    from collections.abc import Iterator

WAYS = {
    "os.kill(os.getpid(), 9)": "died: killed by SIGKILL (9), out of memory?",
    "os.kill(os.getpid(), 11)": "died: killed by SIGSEGV (11)",
    "os._exit(7)": "died: exit code 7",
}


@pytest.fixture
def ended(request: pytest.FixtureRequest) -> Iterator[tuple[Process, subprocess.Popen[bytes]]]:
    """Return a process that has died in a way, watched, before its parent fetches its status."""
    code = f"import os; input(); {request.param}"
    begin, wait = os.pipe()[::-1]
    child = subprocess.Popen([sys.executable, "-c", code], stdin=wait)
    watched = Process(child.pid)
    os.write(begin, b"\n")
    select.select([watched.fileno()], [], [], 30)
    yield watched, child
    watched.close()
    child.wait()
    os.close(begin)
    os.close(wait)


@pytest.mark.parametrize(("ended", "told"), WAYS.items(), ids=WAYS, indirect=["ended"])
def test_the_signal_or_the_exit_code_is_told(
    ended: tuple[Process, subprocess.Popen[bytes]], told: str
) -> None:
    process, _ = ended

    assert process.death() == told
    assert process.death(killed=True) == told.removesuffix(", out of memory?")


@pytest.mark.parametrize("ended", ["os._exit(7)"], indirect=True)
def test_what_its_parent_has_fetched_is_told_where_linux_does(
    ended: tuple[Process, subprocess.Popen[bytes]],
) -> None:
    process, child = ended
    child.wait()

    assert process.death() in {"died: exit code 7", "died"}


def test_a_death_that_nobody_knows_more_of_is_told_as_such() -> None:
    assert deaths.describe(None) == "died"
    assert deaths.describe(34) == f"died: killed by {deaths._named(34)} (34)"
    assert deaths._named(33) == "signal"
    assert deaths.status_of(os.getpid(), None) is None
