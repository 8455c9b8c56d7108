"""Consumers for the acceptance tests of the worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from asyncio import CancelledError
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from offload import PermanentError, ResourceDenied, consumer
from offload.models import Payload
from tests.acceptance.site.journal import note

if TYPE_CHECKING:
    from offload.worker.tasks.current_job import CurrentJob

#: Statements that keep a session from writing.
READ_ONLY = {
    "sqlite": "PRAGMA query_only = ON",
    "postgresql": "SET default_transaction_read_only = on",
}
#: Seconds of one step of a sleeper.
STEP = 0.05


def said(job: CurrentJob, what: str) -> None:
    """Write down what this attempt does."""
    note(what, job.id, instance=job.instance, epoch=job.epoch)


@consumer("acc/quick")
def quick(job: CurrentJob, *, value: Any = None) -> Any:
    """Return the value."""
    said(job, "ran")
    return value


@consumer("acc/any")
def anything(job: CurrentJob, **given: Any) -> dict[str, Any]:
    """Return what was given."""
    said(job, "ran")
    return given


@consumer("acc/sleep")
def sleeper(job: CurrentJob, *, seconds: float) -> str:
    """Be busy for some time; say how often the attempt was begun."""
    said(job, "start")
    # Counted in steps: a process that was stopped sleeps the rest when it wakes.
    for _ in range(round(seconds / STEP)):
        time.sleep(STEP)
    said(job, "end")
    return f"slept in epoch {job.epoch}"


@consumer("acc/gate")
def gated(job: CurrentJob, *, gate: str) -> str:
    """Be busy until a file is there, or until it is stopped."""
    said(job, "start")
    while not Path(gate).exists():
        job.check_stop()
        time.sleep(STEP)
    said(job, "end")
    return f"slept in epoch {job.epoch}"


@consumer("acc/crash")
def crasher(job: CurrentJob, *, times: int) -> str:
    """Kill the own process the first times."""
    said(job, "start")
    if job.attempt <= times:
        os.kill(os.getpid(), signal.SIGKILL)
    return "survived"


@consumer("acc/flaky")
def flaky(job: CurrentJob, *, times: int, denied: str = "") -> str:
    """Fail the first times, or get none of a resource."""
    said(job, "start")
    if job.attempt <= times and denied:
        raise ResourceDenied(denied, retry_in=1)
    if job.attempt <= times:
        raise ValueError(f"attempt {job.attempt} fails")
    return "well"


@consumer("acc/needs")
def needs(job: CurrentJob, *_: Any, path: str) -> str:
    """Fail for good unless a file is there."""
    said(job, "start")
    if not Path(path).exists():
        raise PermanentError("the file is not there")
    return "it is there"


@consumer("acc/page")
def page(job: CurrentJob, value: Any) -> Any:
    """Return the element that it is for."""
    said(job, "ran")
    return value


@consumer("acc/last")
def last(job: CurrentJob, *values: Any) -> list[Any]:
    """Return all that it takes."""
    said(job, "ran")
    return list(values)


@consumer("acc/hopeless")
def hopeless(job: CurrentJob) -> None:
    """Fail for good."""
    said(job, "start")
    raise PermanentError("it will never work")


@consumer("acc/echo")
def echo(job: CurrentJob) -> list[str]:
    """Return every file as it came, in capitals."""
    for file in job.inputs:
        with file.open() as source:
            job.outputs.add(f"loud-{file.name}", source.read().upper())
    return [file.name for file in job.inputs]


@consumer("acc/digests")
def digests(job: CurrentJob) -> dict[str, str]:
    """Return the SHA-256 of each input, as it is read."""
    said(job, "ran")
    return {file.name: sha256(file.open().read()).hexdigest() for file in job.inputs}


@consumer("acc/hard", time_limit=1)
def hard(job: CurrentJob, *, seconds: float) -> None:
    """Run into a hard time limit."""
    said(job, "start")
    time.sleep(seconds)
    said(job, "end")


@consumer("acc/soft", soft_time_limit=1)
def soft(job: CurrentJob, *, seconds: float) -> None:
    """Run into a soft time limit."""
    said(job, "start")
    for _ in range(round(seconds / STEP)):
        time.sleep(STEP)
    said(job, "end")


@consumer("acc/patient")
def patient(job: CurrentJob, *, keeps: bool) -> str:
    """Say how far it is, go on until it is asked to stop, and keep what it has or give it up."""
    job.progress(1, 2, "half of it")
    job.log("it waits to be asked")
    said(job, "start")
    while not job.is_stopping:
        time.sleep(STEP)
    said(job, "asked")
    if not keeps:
        job.check_stop()
    return "half of it"


@consumer("acc/untidy")
def untidy(job: CurrentJob, *, what: str) -> None:
    """Leave the database session in disorder, or raise what is no exception."""
    said(job, "start")
    match what:
        case "block":
            transaction.atomic().__enter__()
            Payload.objects.create(id="uncommitted")
        case "autocommit":
            transaction.set_autocommit(False)
        case "setting":
            with connection.cursor() as cursor:
                cursor.execute(READ_ONLY[connection.vendor])
        case "cancelled":
            raise CancelledError("from outside")


@consumer("acc/session")
def session(job: CurrentJob) -> dict[str, int]:
    """Return the server's process for this session, and how many statements it has prepared."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid(), (SELECT count(*) FROM pg_prepared_statements)")
        process, prepared = cursor.fetchone()
    return {"process": process, "prepared": prepared}


@consumer("acc/farm")
def farm(job: CurrentJob, *, seconds: float = 600) -> str:
    """Hand the job over, and write down by which token it ends."""
    said(job, f"token {job.hand_over(timeout=seconds)}")
    said(job, "end")
    return "this is not the result"


@consumer("acc/brood")
def brood(job: CurrentJob) -> int:
    """Start a program in a session of its own and wait for its end."""
    with subprocess.Popen(["sleep", "600"], start_new_session=True) as child:
        job.progress(child.pid)
        return child.wait()


#: A program that starts another one, says the numbers of both, and waits.
WAITS = """
import os, subprocess, sys, time
other = subprocess.Popen(["sleep", "600"])
open("half", "w").write("half of it")
print("program", os.getpid(), other.pid, flush=True)
time.sleep(600)
"""


@consumer("acc/program")
def program(job: CurrentJob) -> None:
    """Run a program that waits, and write down the numbers of its processes."""
    said(job, "start")
    job.run_program([sys.executable, "-c", WAITS], progress=lambda line: said(job, line))


@consumer("acc/program-soft", soft_time_limit=3)
def program_with_soft_limit(job: CurrentJob) -> None:
    """Run into a soft time limit while a program runs."""
    job.run_program([sys.executable, "-c", WAITS], progress=lambda line: said(job, line))


@consumer("acc/program-hard", time_limit=3)
def program_with_hard_limit(job: CurrentJob) -> None:
    """Run into a hard time limit while a program runs."""
    job.run_program([sys.executable, "-c", WAITS], progress=lambda line: said(job, line))


if os.environ.get("ACCEPTANCE_RARE"):

    @consumer("acc/rare")
    def rare(job: CurrentJob) -> str:
        """Run where the variable says so, and nowhere else."""
        said(job, "ran")
        return "rare"
