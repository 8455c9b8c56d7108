"""``jobs``: the newest jobs, narrowed down."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from offload.core.bounds import ROWS
from offload.core.states import QUERY_TYPES, JobState
from offload.core.topics import Pattern
from offload.management import times
from offload.management.colours import coloured
from offload.management.facts import job_facts
from offload.management.terminal import Terminal, table
from offload.management.verb import Options, Verb
from offload.models import Job

if TYPE_CHECKING:
    from argparse import ArgumentParser

HEADERS = ("job", "state", "topic", "instance", "age", "error")
FOLD = {"topic": 12, "error": 20}

#: Characters of an error that a list shows.
SHORT = 60


def arguments(parser: ArgumentParser) -> None:
    """Take which jobs to show."""
    known = sorted({*QUERY_TYPES, *(state.value for state in JobState)})
    parser.add_argument(
        "--state",
        type=str.upper,
        choices=known,
        metavar="STATE",
        help=f"{', '.join(known).lower()}; 'all' leaves out what has ended, which is 'history'",
    )
    parser.add_argument("--topic", metavar="PATTERN", help="a topic, or a pattern in quotes")
    parser.add_argument("--instance", metavar="NAME", help="where it is, or was")
    parser.add_argument("--limit", type=positive, default=20, help="how many at most (%(default)s)")


def positive(text: str) -> int:
    """Read how many rows to show; raise ArgumentTypeError for anything else."""
    if not text.isdecimal() or int(text[:20]) not in ROWS:
        raise ArgumentTypeError(f"{text!r:.60} is not {ROWS}")
    return int(text)


def run(terminal: Terminal, options: Options) -> None:
    """Show the newest first."""
    found = narrowed(options)[: options["limit"]]
    columns = len(HEADERS) if terminal.is_wide else HEADERS.index("error")
    rows = [row(job)[:columns] for job in found]
    shown = table(HEADERS[:columns], rows, fold=FOLD) if rows else "There is no such job."
    terminal.answer([job_facts(job) for job in found], shown)


def narrowed(options: Options) -> Any:
    """Return the jobs that the options ask for."""
    jobs = Job.objects.newest_first()
    if state := options["state"]:
        # A name of both kinds, such as ACTIVE, means the same as either.
        jobs = jobs.of_type(state) if state in QUERY_TYPES else jobs.filter(state=state)
    if topic := options["topic"]:
        jobs = jobs.of_topic(Pattern.parse(topic))
    if instance := options["instance"]:
        jobs = jobs.filter(instance=instance)
    return jobs


def row(job: Job) -> tuple[object, ...]:
    """Return a job as cells of HEADERS."""
    lines = job.error.splitlines() or [""]
    return (
        job.pk,
        coloured(job.state),
        job.topic,
        job.instance,
        times.age(job.created_at),
        lines[0][:SHORT],
    )


JOBS = Verb(name="jobs", help="list jobs, the newest first", arguments=arguments, run=run)
