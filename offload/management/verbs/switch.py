"""``off``, ``drain`` and ``on``: switch an instance off or on as a whole."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.core.management.base import CommandError

from offload.core.peers.rule_requests import RequestAction
from offload.management import asking_peers
from offload.management.arguments import expiry, times
from offload.management.arguments.words import named
from offload.management.changing import carry_out, previewable
from offload.management.verb import Options, Verb
from offload.management.verbs.rule_actions import noted
from offload.operations.changes import wording
from offload.operations.changes.switches import DrainInstance, SwitchOff, SwitchOn

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from datetime import datetime, timedelta

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
    """Add the instance, the note and the end."""
    arguments(parser)
    noted(parser)
    expiry.add(parser)


def arguments_of_drain(parser: ArgumentParser) -> None:
    """Add the instance, the note, the end and the grace."""
    arguments_of_off(parser)
    about = "give back the runs that are left after this long, such as 30m; without it, they finish"
    parser.add_argument("--grace", type=times.duration, metavar="10m", help=about)


def off(terminal: Terminal, options: Options) -> None:
    """Switch the instance off, or ask another cluster for it."""
    name, until = options["instance"], expiry.of(options)
    if asking_peers.is_asked(name, options):
        if until is not None:
            raise CommandError("A request to switch off has no end; leave out --for and --until.")
        asking_peers.ask(terminal, options, RequestAction.OFF)
        return
    sentence = (
        f"{name} is off{_until(until)}: unstarted jobs go elsewhere, running jobs finish there."
    )
    change = SwitchOff(instance=name, note=options["note"], until=until)
    carry_out(terminal, options, change, partial(_shown, name, sentence, off=True, until=until))


def drain(terminal: Terminal, options: Options) -> None:
    """Drain the instance; raise CommandError for one of another cluster."""
    name, until, grace = options["instance"], expiry.of(options), options["grace"]
    if asking_peers.is_asked(name, options):
        raise CommandError(
            f"{name} is in another cluster, whose own people drain it. To ask for it to be "
            f"switched off: manage.py offload off {name}"
        )
    fate = "its runs finish" if grace is None else f"what runs is given back in {_span(grace)}"
    sentence = f"{name} is drained{_until(until)}: unstarted jobs go elsewhere, {fate}."
    change = DrainInstance(instance=name, note=options["note"], until=until, grace=grace)
    carry_out(terminal, options, change, partial(_shown, name, sentence, off=True, until=until))


def _until(moment: datetime | None) -> str:
    return f" until {times.moment(moment)}" if moment else ""


def _span(grace: timedelta) -> str:
    return times.seconds(grace.total_seconds())


def on(terminal: Terminal, options: Options) -> None:
    """Switch the instance on, or ask another cluster for it."""
    name = options["instance"]
    if asking_peers.is_asked(name, options):
        asking_peers.ask(terminal, options, RequestAction.ON)
        return
    change = SwitchOn(instance=name)
    carry_out(terminal, options, change, partial(_shown, name, f"{name} is on.", off=False))


def _shown(
    name: str, sentence: str, found: Outcome, *, off: bool, until: datetime | None = None
) -> Shown:
    facts = {"instance": name, "off": off, "until": until, "recalled": found.recalled}
    return facts, [sentence, *wording.taken_back(found.recalled)]


OFF = Verb(
    name="off", help="send no more jobs to an instance", arguments=arguments_of_off, run=off
)  # fmt: skip
DRAIN = Verb(
    name="drain",
    help="let an instance become empty: nothing new, and its runs finish or are given back",
    arguments=arguments_of_drain,
    run=drain,
)
ON = Verb(name="on", help="send jobs to an instance again", arguments=arguments, run=on)
