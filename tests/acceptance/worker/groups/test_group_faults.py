"""Whatever dies under a stream of short jobs, none is lost, and none ends twice."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import nullcontext, suppress
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

import pytest
from django_celery_results.models import TaskResult

import offload
from offload.core.states import JobState
from tests.acceptance.messaging.test_losses import lose_everything, no_database
from tests.acceptance.site.journal import events
from tests.acceptance.watching import all_ended, pass_time, slept
from tests.acceptance.worker.test_deaths import LONG_TIMEOUT
from tests.polling import eventually

if TYPE_CHECKING:
    from offload.models import Job
    from tests.acceptance.fleet import Fleet, Worker
    from tests.acceptance.place import Place

COUNT = 400
#: Ends after which the fault comes: in the middle of full groups.
BEFORE = 30
Fault: TypeAlias = Callable[["Fleet", "Place", "Worker"], object]


def kill_agent(fleet: Fleet, place: Place, worker: Worker) -> None:
    worker.agent.kill()


def kill_process(fleet: Fleet, place: Place, worker: Worker) -> None:
    pids = {one.pid for one in events(what="start") if one.instance == worker.name}
    next(one for one in worker.family if one.pid in pids).kill()


def kill_parent(fleet: Fleet, place: Place, worker: Worker) -> None:
    worker.kill()


def kill_all(fleet: Fleet, place: Place, worker: Worker) -> None:
    worker.send_all(signal.SIGKILL)


def freeze(fleet: Fleet, place: Place, worker: Worker) -> None:
    worker.send_all(signal.SIGSTOP)
    # With SQLite it may have stopped with the file locked: then nobody can note that it is gone.
    is_file = place.environment.startswith("sqlite")
    with suppress(AssertionError) if is_file else nullcontext():
        eventually(lambda: worker.row.mode == "gone", within=10 if is_file else 60)
    worker.send_all(signal.SIGCONT)


def freeze_agent(fleet: Fleet, place: Place, worker: Worker) -> None:
    agent = worker.agent
    agent.suspend()
    pass_time(1.5)
    agent.resume()


def end_in_order(fleet: Fleet, place: Place, worker: Worker) -> None:
    worker.send(signal.SIGTERM)
    assert worker.process.wait(60) == 0


def lose_database(fleet: Fleet, place: Place, worker: Worker) -> None:
    with no_database(place):
        pass_time(2)


def lose_broker(fleet: Fleet, place: Place, worker: Worker) -> None:
    assert place.broker.own is not None
    lose_everything(place.broker.own)


#: The faults, and whether a job may have to run once more because of it.
FAULTS: Mapping[str, tuple[Fault, bool]] = MappingProxyType(
    {
        "agent": (kill_agent, False),
        "process": (kill_process, True),
        "parent": (kill_parent, True),
        "all": (kill_all, True),
        "frozen": (freeze, True),
        "frozen agent": (freeze_agent, False),
        "term": (end_in_order, False),
        "database": (lose_database, False),
        "broker": (lose_broker, False),
    }
)


@pytest.mark.on("sqlite+valkey")
@pytest.mark.parametrize("fault", ["agent", "process", "database", "term", "broker"])
def test_nothing_is_lost_or_ends_twice(fleet: Fleet, place: Place, fault: str) -> None:
    _stream(fleet, place, fault)


@pytest.mark.on("postgresql+rabbitmq")
@pytest.mark.parametrize("fault", ["parent", "all", "frozen", "frozen agent", "database"])
def test_nothing_is_lost_or_ends_twice_with_servers(fleet: Fleet, place: Place, fault: str) -> None:
    _stream(fleet, place, fault)


@pytest.mark.long
@pytest.mark.on("sqlite+valkey", "postgresql+rabbitmq")
@pytest.mark.parametrize("run", range(10))
@pytest.mark.parametrize("fault", [one for one in FAULTS if one != "broker"])
def test_nothing_is_lost_or_ends_twice_ten_times(
    fleet: Fleet, place: Place, fault: str, run: int
) -> None:
    _stream(fleet, place, fault)


def _stream(fleet: Fleet, place: Place, fault: str) -> None:
    act, may_rerun = FAULTS[fault]
    victim = _workers(fleet) if may_rerun else _patient(fleet)
    offload.submit_many("acc/sleep", [{"seconds": 0}] * COUNT)
    eventually(lambda: len(events(what="end")) >= BEFORE, what="the first ends")

    act(fleet, place, victim)
    rows = all_ended("acc/sleep", COUNT)

    assert Counter(row.state for row in rows) == {JobState.SUCCEEDED: COUNT}
    _check_ends(rows)
    starts = Counter(one.job for one in events(what="start"))
    again = {job for job, count in starts.items() if count > 1}
    assert may_rerun or not again, f"{len(again)} jobs ran again"
    # What is known to have run again says so; what was lost before it was known to have begun may
    # count as well.
    assert all(row.attempts >= 2 for row in rows if row.pk in again)
    assert all(row.crashes <= 1 for row in rows)


def _workers(fleet: Fleet) -> Worker:
    return fleet.need("a", "b")[0]


def _patient(fleet: Fleet) -> Worker:
    """Start workers whose agents may take as long to start as a busy machine makes them."""
    fleet.need()
    for name in ("c", "d"):
        fleet.start(name, variables=LONG_TIMEOUT, wait=False)
    for one in fleet.workers.values():
        one.await_ready()
    return fleet["c"]


def _check_ends(rows: list[Job]) -> None:
    """Check that each job has the result of its last attempt, and Celery has the same."""
    kept = dict(TaskResult.objects.values_list("task_id", "result"))
    for row in rows:
        assert row.result == slept(row)
        assert kept[row.pk] == f'"{slept(row)}"'
        assert not row.aftermath_due
    assert {one.job for one in events(what="end")} == {row.pk for row in rows}
