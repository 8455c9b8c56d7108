"""``stop``: ask jobs to stop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from offload.core.texts import counted
from offload.management.bulk import BulkAction, change
from offload.management.bulk import arguments as choice
from offload.management.verb import Options, Verb
from offload.models.jobs import JobQuerySet
from offload.operations import bulk

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal
    from offload.operations.bulk import Changed

#: The default states.
DEFAULT_STATE = "open"


def arguments(parser: ArgumentParser) -> None:
    """Add the options that choose jobs."""
    choice(parser, state=DEFAULT_STATE)
    parser.add_argument("--force", action="store_true", help="kill the processes that run them")


def run(terminal: Terminal, options: Options) -> None:
    """Ask the jobs to stop."""
    force = options["force"]
    action = BulkAction(
        name="stop",
        apply=partial(bulk.stop, force=force),
        able=partial(JobQuerySet.stoppable, force=force),
        unable="they have ended, or were asked before",
        one=partial(one, force=force),
        many=partial(many, force=force),
    )
    change(terminal, options, action, state=DEFAULT_STATE)


def one(job: Changed, *, force: bool) -> str:
    """Return the sentence about one job that was asked to stop."""
    if job.state.is_final:
        return f"Job {job.id} is {job.state}."
    if force:
        killed = "its process is killed within a second, if its pool has processes"
        return f"Job {job.id} is {job.state}; {killed}."
    return (
        f"Job {job.id} is {job.state} and was asked to stop; "
        "it ends when its consumer checks, or by itself."
    )


def many(count: int, state: str, *, force: bool) -> str:
    """Return the sentence about many jobs that were asked to stop."""
    jobs = counted(count, "job is", "jobs are")
    if state == "STOPPED":
        return f"{jobs} STOPPED."
    if force:
        return f"{jobs} {state}; their processes are killed, if their pools have processes."
    return f"{jobs} {state}, asked to stop: they end when their consumers check, or by themselves."


STOP = Verb(
    name="stop",
    help="stop jobs: waiting ones end at once, running ones are asked to stop",
    arguments=arguments,
    run=run,
)
