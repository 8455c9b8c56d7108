"""Actions on other clusters: ``manage.py offload peers send|accept|move|requests|withdraw``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.nearness import did_you_mean
from offload.core.peers.peer_switches import ALL, PeerSwitch
from offload.management.arguments.words import named
from offload.management.changing import carry_out, previewable
from offload.management.terminal import sanitized
from offload.management.verb import Choices, general, refuse_alike
from offload.management.verbs.peers import request_lines
from offload.management.verbs.rule_actions import noted
from offload.operations.changes import wording
from offload.operations.changes.peer_switches import ResetPeerSwitch, SetPeerSwitch

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.changing import Shown
    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

ON, OFF, RESET = "on", "off", "reset"
POSITIONS = (ON, OFF, RESET)
ABOUT = {
    PeerSwitch.SEND: "switch sending jobs to a cluster off or on; off, what has not begun there "
    "is taken back",
    PeerSwitch.ACCEPT: "switch accepting jobs of a cluster off or on; it is told, and takes back "
    "what has not begun here",
    PeerSwitch.MOVE: "switch moving jobs away from a cluster off or on; off, what is bound there "
    "stays there, even if nothing is heard of it",
}

OF_REQUESTS = {
    request_lines.REQUESTS: request_lines.arguments_of_requests,
    request_lines.WITHDRAW: request_lines.arguments_of_withdraw,
}


def arguments(parser: ArgumentParser) -> None:
    """Add the actions; without one, the verb lists the clusters."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for switch, about in ABOUT.items():
        one = actions.add_parser(switch.value, help=about, description=about, allow_abbrev=False)
        general(one)
        _switched(one)
        previewable(one)
        refuse_alike(one, parser)
    for name, add in OF_REQUESTS.items():
        about = request_lines.ABOUT[name]
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        add(one)
        refuse_alike(one, parser)
    actions.choices = Choices(actions, kind="action", help_of="offload peers")


def _switched(parser: ArgumentParser) -> None:
    parser.add_argument(
        "name", type=named, metavar="NAME", nargs="?", help="of the cluster; or --all"
    )
    parser.add_argument(
        "position", metavar="{on,off,reset}", help="reset lets the settings say it again"
    )
    parser.add_argument(
        "--all", action="store_true", dest="everybody", help="the switch of all other clusters"
    )
    noted(parser)


def run(terminal: Terminal, options: Options) -> None:
    """Set a switch, or let the settings say it."""
    switch, position = PeerSwitch(options["action"]), options["position"]
    if position not in POSITIONS:
        near = did_you_mean(position, POSITIONS)
        raise CommandError(f"{position!r:.60} is none of {', '.join(POSITIONS)}.{near}")
    if bool(options["name"]) == options["everybody"]:
        raise CommandError(f"Name one cluster, or write --all: offload peers {switch} NAME off")
    peer = options["name"] or ALL
    change: Change[Outcome] = (
        ResetPeerSwitch(switch=switch, peer=peer)
        if position == RESET
        else SetPeerSwitch(switch=switch, peer=peer, on=position == ON, note=options["note"])
    )
    carry_out(terminal, options, change, partial(_shown, switch, peer, position))


def _shown(switch: PeerSwitch, peer: str, position: str, found: Outcome) -> Shown:
    """Return the outcome, and how many unstarted jobs were taken back."""
    facts: dict[str, object] = {
        "switch": switch.value,
        "cluster": peer or None,
        "position": position,
        "recalled": found.recalled,
    }
    return facts, [sanitized(found.sentence), *wording.taken_back(found.recalled)]
