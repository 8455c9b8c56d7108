"""``off`` and ``on``: an instance as a whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from offload.fleet.rules import switch
from offload.management.arguments.words import named
from offload.management.verb import Options, Verb
from offload.management.verbs.rule_actions import noted

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.terminal import Terminal


def arguments(parser: ArgumentParser) -> None:
    """Take an instance."""
    parser.add_argument(
        "instance", type=named, metavar="INSTANCE", help="its nodename, such as render@gpu1"
    )


def arguments_of_off(parser: ArgumentParser) -> None:
    """Take an instance and the reason."""
    arguments(parser)
    noted(parser)


def run(terminal: Terminal, options: Options, *, off: bool) -> None:
    """Switch the instance."""
    name = options["instance"]
    switch(name, off=off, note=options.get("note"))
    told = "is off: what has not begun goes elsewhere, what runs ends there." if off else "is on."
    terminal.answer({"instance": name, "off": off}, f"{name} {told}")


OFF = Verb(
    name="off", help="send no more jobs to an instance", arguments=arguments_of_off,
    run=partial(run, off=True),
)  # fmt: skip
ON = Verb(
    name="on",
    help="send jobs to an instance again",
    arguments=arguments,
    run=partial(run, off=False),
)
