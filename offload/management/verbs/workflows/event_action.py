"""``runs event``: send an event to the steps that wait for it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from offload.management.arguments.pairs import value
from offload.management.arguments.words import named
from offload.management.changing import previewable
from offload.management.terminal import sanitized
from offload.management.verbs.workflows.run_ids import whole
from offload.operations import approvals, run_previews
from offload.operations.changes import actors
from offload.workflows.wait_steps import event_name

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal
    from offload.management.verb import Options

NOBODY = "No step waits for the event {}. Steps that begin to wait later do not get it."


def arguments(parser: ArgumentParser) -> None:
    """Take the event, and its value."""
    parser.add_argument("name", type=named, metavar="NAME", help="of the event")
    parser.add_argument(
        "--value", metavar="VALUE", help="the steps' result; read as JSON if possible, else as text"
    )
    parser.add_argument("--run", default="", metavar="RUN", help="only for this run")
    parser.add_argument("--first", action="store_true", help="only for the step that waits longest")
    parser.add_argument("--note", default="", help="the reason, for the record")
    previewable(parser)


def run(terminal: Terminal, options: Options) -> None:
    """Send the event, or say who would get it."""
    name = event_name(options["name"])
    given = None if options["value"] is None else value(options["value"])
    send = partial(
        approvals.send_event,
        name,
        given,
        run_id=whole(options["run"]) if options["run"] else "",
        first=options["first"],
        by=actors.at_terminal(),
        note=options["note"],
    )
    ended = run_previews.undone(send) if options["dry_run"] else send()
    steps = [{"run": one.run_id, "step": one.step} for one in ended]
    said = [f"{one.step} of run {one.run_id} has it." for one in ended] or [NOBODY.format(name)]
    if options["dry_run"]:
        said = ["Nothing was changed. With this event:", *said]
    facts = {"event": name, "dry_run": options["dry_run"], "steps": steps}
    terminal.answer(facts, *map(sanitized, said))
