"""``deliver``: have deliveries of outputs tried again that were given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.texts import counted
from offload.files.delivering import undelivered
from offload.management.bulk import BulkAction, change
from offload.management.bulk import arguments as choice
from offload.management.verb import Options, Verb
from offload.operations import bulk

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal

#: The default states.
DEFAULT_STATE = "succeeded"
ACTION = BulkAction(
    name="deliver",
    apply=bulk.deliver,
    able=undelivered,
    unable="none of their deliveries was tried in vain and given up",
    one=lambda job: f"Outputs of job {job.id} are delivered again.",
    many=lambda count, _: f"Outputs of {counted(count, 'job', 'jobs')} are delivered again.",
)


def arguments(parser: ArgumentParser) -> None:
    """Add the options that choose jobs."""
    choice(parser, state=DEFAULT_STATE)


def run(terminal: Terminal, options: Options) -> None:
    """Let their deliveries be tried again."""
    change(terminal, options, ACTION, state=DEFAULT_STATE)


DELIVER = Verb(
    name="deliver",
    help="have deliveries of outputs tried again that were given up",
    arguments=arguments,
    run=run,
)
