"""``off`` and ``on``: switch an instance off or on as a whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from offload.core.peers.rule_requests import RequestAction
from offload.management import asking_peers
from offload.management.arguments.words import named
from offload.management.changing import carry_out, previewable
from offload.management.verb import Options, Verb
from offload.management.verbs.rule_actions import noted
from offload.operations.changes.switches import SwitchOff, SwitchOn

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.changing import Shown
    from offload.management.terminal import Terminal
    from offload.operations.changes.change_outcomes import Outcome


def arguments(parser: ArgumentParser) -> None:
    """Add the instance."""
    parser.add_argument(
        "instance",
        type=named,
        metavar="INSTANCE",
        help="its nodename, such as render@gpu1; of another cluster, render/gpu1@host",
    )
    previewable(parser)


def arguments_of_off(parser: ArgumentParser) -> None:
    """Add the instance and the note."""
    arguments(parser)
    noted(parser)


def off(terminal: Terminal, options: Options) -> None:
    """Switch the instance off, or ask another cluster for it."""
    name = options["instance"]
    if asking_peers.is_asked(name, options):
        asking_peers.ask(terminal, options, RequestAction.OFF)
        return
    sentence = f"{name} is off: unstarted jobs go elsewhere, running jobs finish there."
    change = SwitchOff(instance=name, note=options["note"])
    carry_out(terminal, options, change, partial(_shown, name, sentence, off=True))


def on(terminal: Terminal, options: Options) -> None:
    """Switch the instance on, or ask another cluster for it."""
    name = options["instance"]
    if asking_peers.is_asked(name, options):
        asking_peers.ask(terminal, options, RequestAction.ON)
        return
    change = SwitchOn(instance=name)
    carry_out(terminal, options, change, partial(_shown, name, f"{name} is on.", off=False))


def _shown(name: str, sentence: str, _: Outcome, *, off: bool) -> Shown:
    return {"instance": name, "off": off}, [sentence]


OFF = Verb(
    name="off", help="send no more jobs to an instance", arguments=arguments_of_off, run=off
)  # fmt: skip
ON = Verb(name="on", help="send jobs to an instance again", arguments=arguments, run=on)
