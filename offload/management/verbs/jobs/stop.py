"""``stop``: end jobs by request."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from offload.core.texts import counted
from offload.management.bulk import Deed, change
from offload.management.bulk import arguments as choice
from offload.management.verb import Options, Verb
from offload.models.jobs import JobQuerySet
from offload.operations import bulk

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal
    from offload.operations.bulk import Changed

#: What is stopped where no state is written.
DEFAULT_STATE = "open"


def arguments(parser: ArgumentParser) -> None:
    """Take jobs."""
    choice(parser, state=DEFAULT_STATE)
    parser.add_argument("--force", action="store_true", help="kill the processes that run them")


def run(terminal: Terminal, options: Options) -> None:
    """Ask the jobs to stop."""
    force = options["force"]
    deed = Deed(
        name="stop",
        act=lambda which, most: bulk.stop(which, force=force, most=most),
        able=partial(JobQuerySet.stoppable, force=force),
        unable="they have ended, or were asked before",
        one=partial(one, force=force),
        many=partial(many, force=force),
    )
    change(terminal, options, deed, state=DEFAULT_STATE)


def one(job: Changed, *, force: bool) -> str:
    """Return what the request for one job came to."""
    if job.state.is_final:
        return f"Job {job.id} is {job.state}."
    if force:
        killed = "its process is killed within a second, where its pool has processes"
        return f"Job {job.id} is {job.state}; {killed}."
    return (
        f"Job {job.id} is {job.state} and was asked to stop; "
        "it ends when its consumer looks, or ends anyway."
    )


def many(count: int, state: str, *, force: bool) -> str:
    """Return what the request for many jobs came to."""
    jobs = counted(count, "job is", "jobs are")
    if state == "STOPPED":
        return f"{jobs} STOPPED."
    if force:
        return f"{jobs} {state}; their processes are killed, where pools have processes."
    return f"{jobs} {state}, asked to stop: they end when their consumers look, or anyway."


STOP = Verb(
    name="stop",
    help="stop jobs: waiting ones end at once, running ones are asked to stop",
    arguments=arguments,
    run=run,
)
