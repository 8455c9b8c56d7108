"""Periodic tasks of django-celery-beat: jobs and plain tasks, fired by a real beat."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from django_celery_results.models import TaskResult

from offload import JobHandle
from offload.embedded.tether import tethered
from offload.models import Job
from tests.acceptance.fleet import ROOT, script
from tests.acceptance.site import consumers, tasks
from tests.acceptance.watching import ended
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.acceptance.fleet import Fleet
    from tests.acceptance.place import Place

#: Arguments of the periodic tasks, which are known by the names of their tasks.
PERIODIC = {
    tasks.add.name: {"x": 1, "y": 2},
    tasks.add_job.name: {"x": 3, "y": 4},
    consumers.quick.name: {"value": 5},
}
#: Makes tables and periodic tasks that are fired once, a second after the start.
SCHEDULED = """
import json
from django.core.management import call_command
from django_celery_beat.models import IntervalSchedule, PeriodicTask
call_command("migrate", "django_celery_beat", interactive=False, verbosity=0)
second = IntervalSchedule.objects.create(every=1, period="seconds")
for name, kwargs in json.loads({given!r}).items():
    PeriodicTask.objects.create(
        name="every second: " + name, task=name, kwargs=json.dumps(kwargs),
        interval=second, one_off=True, expire_seconds=600, priority=7,
    )
"""
BEAT = [
    sys.executable, "-m", "celery", "-A", "tests.acceptance.site.celery", "beat", "--pidfile", "",
    "--scheduler", "django_celery_beat.schedulers:DatabaseScheduler", "--max-interval", "1",
    "--loglevel", "INFO",
]  # fmt: skip


@contextmanager
def beating(place: Place) -> Iterator[None]:
    """Let a beat run for a block."""
    with (place.folder / "beat").open("wb") as log:
        process = subprocess.Popen(
            tethered(BEAT, on_death=signal.SIGKILL),
            cwd=ROOT,
            env={**os.environ, **place.variables},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.mark.site(ACCEPTANCE_APPS="django_celery_beat")
def test_a_beat_with_schedules_in_the_database_fires_jobs_and_plain_tasks_alike(
    fleet: Fleet, place: Place
) -> None:
    fleet.need("a")
    done = script(place, SCHEDULED.format(given=json.dumps(PERIODIC)))
    assert done.returncode == 0, done.stderr
    older = list(TaskResult.objects.values_list("pk", flat=True))

    with beating(place):
        rows = eventually(lambda: _results(older), what="the results")

    assert {row.task_name: json.loads(row.result) for row in rows} == {
        tasks.add.name: 3, tasks.add_job.name: 7, consumers.quick.name: 5
    }  # fmt: skip
    assert all(row.periodic_task_name == f"every second: {row.task_name}" for row in rows)
    jobs = [ended(JobHandle(one)) for one in Job.objects.values_list("pk", flat=True)]
    assert sorted(job.topic for job in jobs) == ["acc/add", "acc/quick"]
    for job in jobs:
        assert job.options["headers"]["periodic_task_name"] == f"every second: {job.task}"
        assert job.priority == 7
        assert job.expires_at is not None


def _results(older: list[int]) -> list[Any]:
    """Return the results of all periodic tasks, once they are there."""
    found = list(TaskResult.objects.filter(status="SUCCESS").exclude(pk__in=older))
    return found if len(found) == len(PERIODIC) else []
