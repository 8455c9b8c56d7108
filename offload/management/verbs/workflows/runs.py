"""``runs``: list the runs of workflows, show one, or act on one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.workflows.run_states import RunState
from offload.management.arguments import times
from offload.management.arguments.numbers import positive
from offload.management.arguments.words import one_of, written, written_as
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.management.verbs.workflows import run_actions, run_arguments
from offload.reading.runs import run_lines

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.reading.runs.run_lines import RunLine

HEADERS = ("run", "workflow", "state", "steps", "failed", "started", "ended", "by", "reason")
FOLD = {"workflow": 12, "reason": 12, "by": 8}
NONE = "There is no such run. 'manage.py offload runs start NAME' starts one."


def arguments(parser: ArgumentParser) -> None:
    """Take which runs to list, or an action."""
    parser.add_argument("--workflow", type=written, metavar="NAME", help="of this workflow")
    parser.add_argument(
        "--state", type=one_of(RunState), metavar=written_as(RunState), help="in this state"
    )
    parser.add_argument("--limit", type=positive, default=20, help="how many at most (%(default)s)")
    run_arguments.arguments(parser)


def run(terminal: Terminal, options: Options) -> None:
    """List the runs, the newest first, or act on one."""
    if options["action"]:
        run_actions.run(terminal, options)
        return
    found = run_lines.lines(
        workflow=options["workflow"] or "", state=options["state"] or "", most=options["limit"]
    )
    shown = table(HEADERS, map(row, found), fold=FOLD) if found else NONE
    terminal.answer([run_actions.line_facts(one) for one in found], shown)


def row(one: RunLine) -> tuple[object, ...]:
    """Return a run as cells of HEADERS."""
    state = f"{one.state}, paused" if one.paused and not one.state.is_final else str(one.state)
    colour = {"FAILED": "red", "RUNNING": "cyan"}.get(one.state, "")
    return (
        one.id, one.workflow, sanitized(state, colour), f"{one.ended_steps} of {one.steps}",
        one.failed_steps or "", times.moment(one.started),
        times.moment(one.ended) if one.ended else "", one.actor, one.reason,
    )  # fmt: skip


RUNS = Verb(
    name="runs",
    help="list runs of workflows; start, show, stop, pause, resume, skip, place, restart one",
    arguments=arguments,
    run=run,
)
