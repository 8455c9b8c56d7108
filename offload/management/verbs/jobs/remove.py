"""``remove``: end jobs that wait, as if they had not been submitted."""

from __future__ import annotations

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

#: The default states; of active jobs, only handed-over ones are removed.
DEFAULT_STATE = "open"

ACTION = BulkAction(
    name="remove",
    apply=bulk.remove,
    able=JobQuerySet.removable,
    unable="they run, or have ended",
    one=lambda job: f"Job {job.id} is {job.state}.",
    many=lambda count, state: f"{counted(count, 'job is', 'jobs are')} {state}.",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options that choose jobs."""
    choice(parser, state=DEFAULT_STATE)


def run(terminal: Terminal, options: Options) -> None:
    """Remove the jobs."""
    change(terminal, options, ACTION, state=DEFAULT_STATE)


REMOVE = Verb(
    name="remove",
    help="remove jobs that wait or were handed over: they are DROPPED and never run",
    arguments=arguments,
    run=run,
)
