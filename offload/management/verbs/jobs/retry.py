"""``retry``: run ended jobs again, as new jobs."""

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

#: The default states.
DEFAULT_STATE = "failed"


def arguments(parser: ArgumentParser) -> None:
    """Add the options that choose jobs."""
    choice(parser, state=DEFAULT_STATE)
    parser.add_argument(
        "--again", action="store_true", help="with ids: include jobs that were already retried"
    )


def run(terminal: Terminal, options: Options) -> None:
    """Submit the jobs again."""
    action = BulkAction(
        name="retry",
        apply=partial(bulk.retry, again=options["again"]),
        able=JobQuerySet.retriable,
        unable="they have not ended, or were retried before; --again with ids retries them anew",
        one=lambda job: f"Job {job.id} ({job.state}) is retried as {job.retried_as}.",
        many=lambda count, state: (
            f"{counted(count, 'job is', 'jobs are')} retried that ended {state}."
        ),
    )
    change(terminal, options, action, state=DEFAULT_STATE)


RETRY = Verb(
    name="retry",
    help="run ended jobs again, as new jobs with the same properties and files",
    arguments=arguments,
    run=run,
)
