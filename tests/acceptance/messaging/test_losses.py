from __future__ import annotations

import json
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import psutil
import psycopg
import pytest
from django.db import connections

import offload
from offload import JobHandle
from offload.core.states import JobState
from offload.dispatch.dispatching import task_of
from offload.dispatch.publishing import send
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job
from offload.tracking.binding.bindings import BOUND_COLUMNS, BoundJob
from offload.worker.agent.window import RECONCILE_SECONDS
from tests.acceptance.fleet import script
from tests.acceptance.servers import POSTGRES
from tests.acceptance.site.journal import events
from tests.acceptance.watching import all_ended, ended, happened, pass_time, runner
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.embedded import EmbeddedBroker
    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

HOLD = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""

DIES_BEFORE_BINDING = """
import os, offload
from offload.db import database
with database.atomic():
    database.on_commit(lambda: os._exit(7))
    print(offload.submit("acc/quick", {"value": 1}).id, flush=True)
"""

DIES_BEFORE_PUBLISHING = """
import os, offload
from offload.dispatch import dispatching
dispatching.send = lambda jobs: os._exit(7) if jobs else None
offload.submit("acc/quick", {"value": 1})
"""


def lose_everything(broker: EmbeddedBroker) -> None:
    """Kill the broker and start it again without its data."""
    marks = json.loads((broker.directory / "valkey.pid").read_text())
    server = psutil.Process(marks["server"]["pid"])
    server.kill()
    eventually(lambda: not broker.is_running, what="the broker's end")
    shutil.rmtree(broker.directory / "appendonlydir")
    broker.start()


def test_jobs_that_wait_while_the_broker_loses_all_its_data_finish(
    fleet: Fleet, place: Place
) -> None:
    assert place.broker.own is not None
    fleet.need("a", "b")
    offload.submit_many("acc/sleep", [{"seconds": 0.1}] * 80)
    eventually(lambda: len(events(what="end")) > 10, what="the first jobs")

    lose_everything(place.broker.own)
    rows = all_ended("acc/sleep", 80)

    assert {row.state for row in rows} == {JobState.SUCCEEDED}
    assert len({one.job for one in events(what="end")}) == 80
    assert {one.mode for one in Instance.objects.all()} == {"ready"}


def test_jobs_submitted_while_there_is_no_broker_run_when_it_is_back(
    fleet: Fleet, place: Place
) -> None:
    broker = place.broker.own
    assert broker is not None
    fleet.need("a", "b")
    broker.stop()

    jobs = offload.submit_many("acc/quick", [{"value": one} for one in range(20)])
    assert Job.objects.unfinished().count() == 20
    broker.start()

    assert [job.result(60) for job in jobs] == list(range(20))


def again(job: JobHandle) -> None:
    """Publish the message of a bound job once more, as it was."""
    row = job.row
    bound = BoundJob(**{name: getattr(row, name) for name in BOUND_COLUMNS})
    send([(bound, task_of(bound, snapshot(fresh=True)))])


@pytest.mark.everywhere
@pytest.mark.parametrize("pool", ["prefork", pytest.param("threads", marks=pytest.mark.long)])
def test_a_doubled_message_of_a_running_job_changes_nothing(fleet: Fleet, pool: str) -> None:
    fleet.need()
    worker = fleet.start("c", pool=pool)
    job = offload.submit("acc/sleep", {"seconds": 2 * RECONCILE_SECONDS + 2})
    assert runner(fleet, job) is worker

    again(job)
    row = ended(job)

    assert (row.state, row.attempts, row.crashes) == (JobState.SUCCEEDED, 1, 0)
    assert happened(job) == ["start", "end"]
    assert f"{job.id} came too late" not in worker.last_words()


@pytest.mark.everywhere
def test_a_publisher_that_dies_between_commit_and_binding_has_submitted_its_job(
    fleet: Fleet, place: Place
) -> None:
    fleet.need("a", "b")

    done = script(place, DIES_BEFORE_BINDING)

    assert done.returncode == 7, done.stderr
    assert JobHandle(done.stdout.strip()).result(30) == 1


def test_a_publisher_that_dies_between_binding_and_publishing_has_submitted_its_job(
    fleet: Fleet, place: Place
) -> None:
    fleet.need("a", "b")

    binds = json.dumps({"FAST_SUBMIT": False})
    done = script(place, DIES_BEFORE_PUBLISHING, ACCEPTANCE_OFFLOAD=binds)

    assert done.returncode == 7, done.stderr
    row = ended(JobHandle(Job.objects.get().pk))
    assert (row.state, row.attempts) == (JobState.SUCCEEDED, 1)


@contextmanager
def no_database(place: Place) -> Iterator[None]:
    """Keep everybody from the database for a block, or from writing where it is a file."""
    connections["default"].close()
    outage = _locked if place.environment.startswith("sqlite") else _closed
    with outage(place.database["NAME"]):
        yield
    connections["default"].close()


@contextmanager
def _locked(path: str) -> Iterator[None]:
    command = [sys.executable, "-c", HOLD, path]
    pipe: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipe) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield
        holder.communicate()


@contextmanager
def _closed(name: str) -> Iterator[None]:
    ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        server.execute(ended, [name])
        try:
            yield
        finally:
            server.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true')


@pytest.mark.on("sqlite+valkey", "postgresql+redis")
@pytest.mark.parametrize("outage", [6, pytest.param(30, marks=pytest.mark.long)])
def test_without_a_database_for_a_while_nobody_is_gone_and_running_jobs_end_once(
    fleet: Fleet, place: Place, outage: float
) -> None:
    fleet.need("a", "b")
    before = set(Instance.objects.values_list("name", "incarnation"))
    during = offload.submit("acc/sleep", {"seconds": 2})
    after = offload.submit("acc/sleep", {"seconds": outage + 3})
    runner(fleet, during)
    runner(fleet, after)

    with no_database(place):
        pass_time(outage)

    for job in (during, after):
        row = ended(job)
        assert (row.state, row.attempts) == (JobState.SUCCEEDED, 1)
        assert happened(job) == ["start", "end"]
    eventually(lambda: all(one.is_ready for one in fleet.workers.values()), what="ready workers")
    assert set(Instance.objects.values_list("name", "incarnation")) == before
    assert offload.submit("acc/quick", {"value": 1}).result(30) == 1


@pytest.mark.parametrize("count", [40, pytest.param(2000, marks=pytest.mark.long)])
def test_no_committed_row_is_missing_where_each_process_runs_one_job(
    fleet: Fleet, site: Any, count: int
) -> None:
    fleet.need()
    fleet.start("c", concurrency=4, options=["--max-tasks-per-child", "1"])

    offload.submit_many("acc/quick", [{"value": one} for one in range(count)])
    rows = all_ended("acc/quick", count, within=max(120, count))

    assert {(row.state, row.attempts) for row in rows} == {(JobState.SUCCEEDED, 1)}
    assert sorted(row.result for row in rows) == list(range(count))
    assert {site.AsyncResult(row.pk).state for row in rows} == {"SUCCESS"}
    assert len({one.pid for one in events(what="ran")}) == count


def test_a_worker_without_its_broker_says_so_and_how_to_start_it_and_tries_again(
    fleet: Fleet,
) -> None:
    fleet.need()
    nowhere = {"ACCEPTANCE_BROKER": "redis://:secret@127.0.0.1:1/0"}
    worker = fleet.start("c", variables=nowhere, wait=False)

    said = eventually(
        lambda: [line for line in worker.last_words().splitlines() if "The broker at" in line],
        what="what it says",
    )

    assert len(said) == 1
    assert "redis://:**@127.0.0.1:1/0 does not answer" in said[0]
    assert "manage.py offload broker" in said[0]
    eventually(lambda: "Trying again" in worker.last_words(), what="its next try")
    assert worker.is_alive
    assert "secret" not in worker.last_words()
