"""``retry``: run once more what has ended, as new jobs."""

from __future__ import annotations

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

#: What is retried where no state is written.
DEFAULT_STATE = "failed"


def arguments(parser: ArgumentParser) -> None:
    """Take jobs."""
    choice(parser, state=DEFAULT_STATE)
    parser.add_argument(
        "--again", action="store_true", help="with ids: include jobs that were already retried"
    )


def run(terminal: Terminal, options: Options) -> None:
    """Submit the jobs once more."""
    deed = Deed(
        name="retry",
        act=lambda which, most: bulk.retry(which, again=options["again"], most=most),
        able=JobQuerySet.retriable,
        unable="they have not ended, or were retried before; --again with ids retries them anew",
        one=lambda job: f"Job {job.id} ({job.state}) is retried as {job.retried_as}.",
        many=lambda count, state: (
            f"{counted(count, 'job is', 'jobs are')} retried that ended {state}."
        ),
    )
    change(terminal, options, deed, state=DEFAULT_STATE)


RETRY = Verb(
    name="retry",
    help="run ended jobs again, as new jobs with the same properties and files",
    arguments=arguments,
    run=run,
)
