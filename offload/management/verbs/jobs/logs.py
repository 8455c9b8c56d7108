"""``logs``: show what a job has logged, or follow it until the job's end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from offload.core.texts import counted
from offload.management import job_text
from offload.management.arguments import ids
from offload.management.arguments.words import named
from offload.management.job_json import line_facts
from offload.management.terminal import Terminal, sanitized
from offload.management.verb import Options, Verb
from offload.operations.handles import JobHandle
from offload.reading.jobs import logs

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.core.job_log import LogLine
    from offload.reading.jobs.logs import AttemptLines

#: Seconds between two polls at a followed log.
FOLLOW_POLL_SECONDS = 0.5
NOTHING = "It has logged nothing."


def arguments(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "job", type=named, metavar="JOB", help="its id, or enough of its beginning or end"
    )
    parser.add_argument(
        "--follow", action="store_true", help="show further lines as they come, until the job's end"
    )


def run(terminal: Terminal, options: Options) -> None:
    """Show the log, or follow it."""
    handle = JobHandle(ids.whole(options["job"]))
    if options["follow"]:
        follow(terminal, handle)
        return
    found = logs.of(handle.row.pk)
    facts = [line_facts(one, line) for one in found for line in one.lines]
    terminal.answer(facts, *shown(found) or [sanitized(NOTHING)])


def shown(found: Sequence[AttemptLines]) -> list[Text]:
    """Return all lines, with a heading for each attempt if there are several."""
    made: list[Text] = []
    for attempt in found:
        if len(found) > 1:
            made.append(sanitized(f"epoch {attempt.epoch}:", "bold"))
        made += missing(attempt.left_out)
        made += map(job_text.log_line, attempt.lines)
    return made


def missing(count: int) -> list[Text]:
    """Return a line that says how many are not there."""
    said = f"({counted(count, 'line is', 'lines are')} left out)"
    return [sanitized(said, "dim")] if count > 0 else []


def follow(terminal: Terminal, handle: JobHandle) -> None:
    """Show the lines that there are, and further ones until the job has ended."""
    seen: dict[int, int] = {}
    while True:
        is_over = handle.row.is_finished
        for attempt in logs.of(handle.row.pk):
            _show_new(terminal, attempt, seen.get(attempt.epoch, 0))
            seen[attempt.epoch] = attempt.count
        if is_over:
            return
        time.sleep(FOLLOW_POLL_SECONDS)


def _show_new(terminal: Terminal, attempt: AttemptLines, seen: int) -> None:
    if not terminal.as_json:
        terminal.show(*missing(attempt.left_out - seen))
    for line in _new(attempt, seen):
        terminal.report(line_facts(attempt, line), job_text.log_line(line))


def _new(attempt: AttemptLines, seen: int) -> Iterator[LogLine]:
    yield from attempt.lines[max(0, seen - attempt.left_out) :]


LOGS = Verb(
    name="logs",
    help="show what a job has logged",
    run=run,
    arguments=arguments,
)
