"""Steps that wait, with real processes: all of them are killed, and nothing is lost or doubled."""

from __future__ import annotations

import signal
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from celery import chain, group

import offload
from offload.models import Job, StepWait
from offload.workflows import (
    RunState,
    approval,
    definitions,
    event,
    hand_over,
    send_event,
    start,
    step,
    until,
    workflow,
)
from tests.acceptance.peers.web import Web, free_port
from tests.acceptance.site.journal import events
from tests.polling import eventually
from tests.processes import has_ended

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.workflows import RunHandle
    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

pytestmark = pytest.mark.everywhere

#: How many people press the button at once.
PEOPLE = 4


@pytest.fixture
def web(place: Place) -> Iterator[Web]:
    """Return the site's web process, which is ended after the test."""
    served = Web(place, free_port())
    served.start()
    yield served
    served.kill()


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    """Define a workflow that waits for everything; workers need no definitions."""
    monkeypatch.setattr(definitions, "defined", {})
    workflow("acc/waits")(waits)


def waits() -> Any:
    """Make one thing, wait in every way, then tell each."""
    ways = (
        approval("May it?", called="ask", within=timedelta(days=1)),
        until(timedelta(seconds=1), called="time"),
        event("paid"),
        hand_over(called="farm"),
        approval(called="late", within=timedelta(seconds=1), on_error="go_on"),
    )
    each = [chain(way, step("acc/last", called=f"last {n}")) for n, way in enumerate(ways)]
    return chain(step("acc/any", called="first", value=7), group(*each))


def states(run: RunHandle) -> dict[str, str]:
    """Return the state of each step."""
    return {name: str(entry.state) for name, entry in run.plan.items()}


def kill_everything(fleet: Fleet, web: Web) -> None:
    """Kill workers, pools, agents and the web process, and see that nothing is left."""
    family = [one for worker in fleet.workers.values() for one in worker.family]
    for worker in fleet.workers.values():
        worker.send_all(signal.SIGKILL)
    web.kill()
    eventually(lambda: all(map(has_ended, family)), what="the end of all processes")


def press(web: Web, run: RunHandle, who: str) -> str:
    """Approve over HTTP; return the answer."""
    address = f"http://127.0.0.1:{web.port}/approve/{run.id}/ask/?by={who}"
    try:
        with urlopen(address, timeout=120) as answer:
            return str(answer.read().decode())
    except HTTPError as error:
        return error.read().decode()


def test_steps_wait_over_a_restart_of_everything_and_go_on_once(fleet: Fleet, web: Web) -> None:
    fleet.need("a", "b")
    run = start("acc/waits")
    eventually(lambda: StepWait.objects.count() == 5, what="five steps that wait")

    kill_everything(fleet, web)
    # What comes while nothing runs is kept by the rows alone.
    assert send_event("paid", {"sum": 5}) == [(run, "paid")]
    fleet.need("a", "b")
    web.start()
    eventually(lambda: states(run)["late"] == "FAILED", what="the end of the limit")
    eventually(lambda: states(run)["time"] == "SUCCEEDED", what="the time")
    waited = states(run)["ask"]
    with ThreadPoolExecutor(PEOPLE) as pool:
        answers = list(
            pool.map(lambda n: press(web, run, f"person {n}".replace(" ", "")), range(PEOPLE))
        )
    offload.complete(run.token("farm"), "done")

    assert waited == "WAITING"
    [first] = [one for one in answers if one.startswith("approved by")] or [answers[0]]
    assert "approved by" in first, answers
    assert run.wait(120) is RunState.SUCCEEDED
    assert sum(f"has step ask {first}" in one for one in answers) == PEOPLE - 1
    assert states(run) == dict.fromkeys(run.plan, "SUCCEEDED") | {"late": "FAILED"}
    assert Job.objects.count() == 6
    assert all(len(events(job.pk, "ran")) == 1 for job in run.steps)
    assert run.result(5)[0] == [{"by": first.removeprefix("approved by "), "note": ""}]
    assert not StepWait.open().exists()
