"""The arguments of actions on runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.workflows.placements import Placement
from offload.management.arguments import times
from offload.management.arguments.words import named
from offload.management.changing import previewable
from offload.management.verb import Choices, general, refuse_alike
from offload.management.verbs.workflows import event_action

if TYPE_CHECKING:
    from argparse import ArgumentParser


def arguments(parser: ArgumentParser) -> None:
    """Add the actions; without one, the verb lists the runs."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, about, take in (
        ("start", "start a run of a workflow", _start),
        ("show", "show a run with its steps, and why each waits", _show),
        ("stop", "stop a run: nothing begins any more, running steps are asked", _stop),
        ("pause", "begin no further step until it is resumed", _change),
        ("resume", "let a paused run go on", _change),
        ("skip", "leave out a step that has not begun", _skip),
        ("approve", "approve a step that waits for it", _skip),
        ("reject", "reject a step that waits for an approval: it fails", _skip),
        ("event", "send an event to the steps that wait for it", event_action.arguments),
        ("undone", "say that you undid a step by hand whose compensation failed", _skip),
        ("place", "let one instance do all steps that have not begun", _place),
        ("restart", "do again what failed, and keep what is done, as a new run", _change),
        ("copy", "do it all again, with other parameters", _copy),
    ):
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        take(one)
        refuse_alike(one, parser)
    actions.choices = Choices(actions, kind="action", help_of="offload runs")


def _id(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id", type=named, metavar="ID", help="its id, or enough of its beginning or end"
    )


def _noted(parser: ArgumentParser) -> None:
    parser.add_argument("--note", default="", help="the reason, for the record")


def _change(parser: ArgumentParser) -> None:
    _id(parser)
    _noted(parser)
    previewable(parser)


def _stop(parser: ArgumentParser) -> None:
    _change(parser)
    parser.add_argument("--force", action="store_true", help="kill the processes of its steps")


def _skip(parser: ArgumentParser) -> None:
    _id(parser)
    parser.add_argument("step", type=named, metavar="STEP", help="the name of the step")
    _noted(parser)
    previewable(parser)


def _place(parser: ArgumentParser) -> None:
    _id(parser)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "instance", nargs="?", type=named, metavar="INSTANCE", help="which can do all of them"
    )
    where.add_argument(
        "--anywhere", action="store_const", dest="instance", const="",
        help="place each step by itself again",
    )  # fmt: skip
    _noted(parser)
    previewable(parser)


def _show(parser: ArgumentParser) -> None:
    _id(parser)


def _copy(parser: ArgumentParser) -> None:
    _id(parser)
    _given(parser)


def _start(parser: ArgumentParser) -> None:
    parser.add_argument("name", type=named, metavar="NAME", help="of the workflow")
    _given(parser)
    parser.add_argument(
        "--file", action="append", default=[], metavar="NAME=PATH", dest="files",
        help="a file that goes with the run",
    )  # fmt: skip
    parser.add_argument(
        "--placement", choices=[one.value for one in Placement if one], metavar="HOW",
        help="together (one instance for all steps), near, spread, or peer (all of it at another "
        "cluster, as one job); otherwise the workflow's own",
    )  # fmt: skip
    parser.add_argument(
        "--peer", default="", metavar="CLUSTER",
        help="the only cluster that may get it whole; implies --placement peer",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=times.duration, metavar="30s",
        help="wait for its end, no longer than this; exit code 2 if it has not ended",
    )  # fmt: skip


def _given(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="single",
        help="a parameter; read as JSON if possible, otherwise as text",
    )  # fmt: skip
    _noted(parser)
