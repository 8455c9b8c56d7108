"""``stop``: end a job by request."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.engine.stopping import stop
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.core.states import JobState
    from offload.management.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Take a job."""
    parser.add_argument("id", metavar="ID", help="the id of the job")
    parser.add_argument("--force", action="store_true", help="kill the process that runs it")


def run(terminal: Terminal, options: Options) -> None:
    """Ask the job to stop."""
    job_id = options["id"]
    state = stop(job_id, force=options["force"])
    terminal.answer(
        {"id": job_id, "state": state}, f"Job {job_id} {told(state, force=options['force'])}"
    )


def told(state: JobState, *, force: bool = False) -> str:
    """Return what the request came to."""
    if state.is_final:
        return f"is {state}."
    if force:
        return f"is {state}; its process is killed within a second, where its pool has processes."
    return f"is {state} and was asked to stop; it ends when its consumer looks, or ends anyway."


STOP = Verb(
    name="stop",
    help="stop a job: at once if it waits, else it is asked to",
    arguments=arguments,
    run=run,
)
