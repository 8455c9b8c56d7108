"""The Celery app of one contender, with its one task: note that it began."""

from __future__ import annotations

import os
import time
from typing import Any

from celery import Celery, signals

import offload
from tests.benchmarks.site import counting
from tests.benchmarks.site.identity import FOLDER, IS_PEER, VARIANT

#: Bytes of one note: the number of the job, and when it began.
NOTE = "{:09d} {:020.9f}\n"
NOTE_BYTES = len(NOTE.format(0, 0.0))
TOPIC = "bench/tick"
FOR_EVER = 1_000_000_000

app = Celery("bench")
app.config_from_object("django.conf:settings", namespace="CELERY")
if VARIANT.offload:
    offload.install(app)
elif VARIANT.kept:
    app.conf.update(CELERY_DB_REUSE_MAX=FOR_EVER)
counting.connect()

_notes: dict[int, int] = {}


def note(number: int) -> int:
    """Append when job ``number`` began; equally cheap for every contender."""
    if os.getpid() not in _notes:
        path = FOLDER / "notes"
        _notes[os.getpid()] = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(_notes[os.getpid()], NOTE.format(number, time.monotonic()).encode())
    return number


@app.task(name="bench.tick")
def tick(number: int) -> int:
    """The task of bare Celery."""
    return note(number)


if VARIANT.offload and (IS_PEER or not VARIANT.remote):

    @offload.consumer(TOPIC, name="bench.job")
    def job_tick(job: offload.JobHandle, *, number: int) -> int:
        """The consumer of jobs."""
        return note(number)


@signals.worker_ready.connect
def say_ready(**_: Any) -> None:
    """Tell the driver that the worker takes messages."""
    (FOLDER / ("ready" if not IS_PEER else "peer-ready")).touch()
