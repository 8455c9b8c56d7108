"""``job``: show one job, or follow it until its end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from offload.management import job_text
from offload.management.arguments import ids
from offload.management.arguments.words import named
from offload.management.ending import refuse_failure, result
from offload.management.job_json import job_facts, whole_job
from offload.management.loading import explained
from offload.management.verb import Options, Verb
from offload.operations.handles import JobHandle
from offload.reading.waiting.explain import explain_job

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from rich.table import Table
    from rich.text import Text

    from offload.management.terminal import Terminal
    from offload.models import Job
    from offload.reading.waiting.explanation import Explanation

#: Seconds between two polls at a followed job.
FOLLOW_POLL_SECONDS = 0.25


def arguments(parser: ArgumentParser) -> None:
    """Add the job."""
    parser.add_argument(
        "id", type=named, metavar="ID", help="its id, or enough of its beginning or end"
    )
    parser.add_argument(
        "--follow",
        action="store_true",
        help="show every change until the end; exit code 1 if it failed",
    )


def run(terminal: Terminal, options: Options) -> None:
    """Show the job, or follow it."""
    handle = JobHandle(ids.whole(options["id"]))
    if options["follow"]:
        follow(terminal, handle)
    else:
        job = handle.row
        found = explained(lambda: explain_job(job))
        terminal.answer(whole_job(job, found), *shown(job, found, terminal.console.width))


def shown(job: Job, found: Explanation, width: int) -> Iterator[str | Text | Table]:
    """Return the job for people, with the instances that could run it while it waits."""
    yield from job_text.whole(job, found, width)
    if found.waiting is not None and found.verdicts:
        yield ""
        yield from job_text.verdicts(found)


def follow(terminal: Terminal, handle: JobHandle) -> None:
    """Show the job at every change until its end; raise CommandError if it failed."""
    shown: object = None
    job = handle.row
    while True:
        facts = job_facts(job)
        if facts != shown:
            terminal.report(facts, job_text.line(job))
            shown = facts
        if job.is_finished:
            break
        time.sleep(FOLLOW_POLL_SECONDS)
        job = handle.row
    if not terminal.as_json:
        terminal.show(*result(job))
    refuse_failure(job)


JOB = Verb(
    name="job",
    help="show a job: state, attempts, steps, files, and why it waits",
    arguments=arguments,
    run=run,
)
