"""``jobs``: list the newest jobs that match."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils import timezone

from offload.core.moments import between
from offload.core.states import JobState
from offload.core.texts import truncated, with_type
from offload.management.arguments import choosing, ids, times, words
from offload.management.arguments.numbers import positive
from offload.management.colours import coloured
from offload.management.job_json import job_facts
from offload.management.narrow_table import listing
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

    from rich.table import Table
    from rich.text import Text

    from offload.models import Job

HEADERS = ("job", "state", "topic", "instance", "age", "took")

#: Characters of an error that a list shows.
ERROR_CHARACTERS_SHOWN = 200


def arguments(parser: ArgumentParser) -> None:
    """Add the options for which jobs to show."""
    choosing.filters(parser)
    parser.add_argument("--limit", type=positive, default=20, help="how many at most (%(default)s)")


def run(terminal: Terminal, options: Options) -> None:
    """Show the newest first."""
    limit = options["limit"]
    found = list(choosing.narrowed(options).newest_first()[: limit + 1])
    more = [sanitized(f"There are more than these {limit}; --limit shows more.")] * (
        len(found) > limit
    )
    found = found[:limit]
    facts = [job_facts(job) for job in found]
    if not found:
        words.refuse_unknown(options)
        terminal.answer(facts, words.no_such_job(options))
    elif terminal.is_wide:
        terminal.answer(facts, wide(found), *more)
    else:
        terminal.answer(facts, *narrow(found, terminal.console.width), *more)


def wide(jobs: Sequence[Job]) -> Table:
    """Return the jobs as a table with a column for errors."""
    rows = [(job.pk, *row(job), error(job)) for job in jobs]
    return table((*HEADERS, "error"), rows, fold={"job": 36, "topic": 12, "error": 20})


def narrow(jobs: Sequence[Job], width: int) -> list[Table | Text]:
    """Return the jobs as lines, each with its error below it."""
    rows = [(ids.short(job.pk), *row(job)) for job in jobs]
    return listing(HEADERS, rows, below=list(map(error, jobs)), flexible="topic", width=width)


def row(job: Job) -> tuple[object, ...]:
    """Return a job as cells of HEADERS, except for its id."""
    return (
        state(job),
        job.topic,
        job.instance,
        times.age(job.created_at),
        times.seconds(times.run_time(job)),
    )


def state(job: Job) -> Text:
    """Return a job's state, and the time until it is due, if it is not yet."""
    shown = coloured(job.state)
    wait = between(timezone.now(), job.run_at) if job.run_at else 0.0
    if job.state == JobState.PENDING and wait > 0:
        shown.append(f", due in {times.seconds(wait)}")
    return shown


def error(job: Job) -> str:
    """Return the type of a job's error and the first line of its text."""
    message = (job.error.strip().splitlines() or [""])[0]
    return truncated(with_type(job.error_type, message), ERROR_CHARACTERS_SHOWN)


JOBS = Verb(name="jobs", help="list jobs, the newest first", arguments=arguments, run=run)
