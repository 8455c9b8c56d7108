"""Changes of rules of another cluster's instance: requests, by the verbs for own instances."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from offload.core.peers.rule_requests import RequestAction, cluster_and_node
from offload.core.placement.topology import Scope
from offload.fleet.snapshots import snapshot
from offload.management.arguments import expiry
from offload.management.changing import carry_out
from offload.management.terminal import sanitized
from offload.operations.changes.requests import AskPeer

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.changing import Shown
    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.operations.changes.requests import AskedOutcome

SEE = "See: manage.py offload peers requests"


def kept_here(parser: ArgumentParser) -> None:
    """Let a rule about another cluster's instance be one of this cluster."""
    about = "of another cluster's instance: a rule for the jobs of this cluster alone, no request"
    parser.add_argument("--here", action="store_true", help=about)


def is_asked(target: str, options: Options) -> bool:
    """Tell whether a change is a request to another cluster."""
    is_named = options.get("scope", Scope.INSTANCE) == Scope.INSTANCE
    return is_named and not options.get("here") and bool(cluster_and_node(target)[0])


def ask(terminal: Terminal, options: Options, action: RequestAction) -> None:
    """Store a request, or show it."""
    change = AskPeer(
        instance=options.get("target") or options["instance"],
        action=action,
        patterns=tuple(options.get("patterns", ())),
        until=expiry.of(options),
        note=options.get("note"),
    )
    carry_out(terminal, options, change, partial(_shown, dry_run=options["dry_run"]))


def _shown(found: AskedOutcome, *, dry_run: bool) -> Shown:
    made = found.request
    facts: dict[str, object] = {
        # One that is not stored has no number.
        "number": None if dry_run else made.pk,
        "cluster": made.peer,
        "instance": made.full_name,
        "action": made.action,
        "patterns": list(made.patterns),
        "until": made.until,
        "note": made.note,
        "state": made.state,
        "expires": made.expires_at,
        "replaced": list(found.replaced),
    }
    lines = [sanitized(found.sentence)]
    if not dry_run:
        lines.append(sanitized(f"It is request {made.pk}. {SEE}"))
    if not _is_announced(made.full_name):
        text = f"{made.peer} announces no such instance now; 'offload instances' lists what it has."
        lines.append(sanitized(text, "yellow"))
    return {"request": facts}, lines


def _is_announced(name: str) -> bool:
    return snapshot().topology.instance(name) is not None
