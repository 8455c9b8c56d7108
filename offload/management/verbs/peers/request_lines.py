"""``peers requests`` and ``peers withdraw``: changes that other clusters are asked to make."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from offload.conf import peers
from offload.core.exceptions import UnknownPeer
from offload.management.arguments import times
from offload.management.arguments.numbers import positive
from offload.management.arguments.words import named
from offload.management.changing import carry_out, previewable
from offload.management.terminal import Terminal, sanitized, table
from offload.operations.changes.requests import WithdrawRequest
from offload.reading.rules import peer_requests

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.changing import Shown
    from offload.management.verb import Options
    from offload.operations.changes.requests import AskedOutcome
    from offload.reading.rules.peer_requests import RequestLine

REQUESTS, WITHDRAW = "requests", "withdraw"
ABOUT = {
    REQUESTS: "list the changes of rules that other clusters were asked for, and what came of them",
    WITHDRAW: "take a request back, unless it was applied",
}
HEADERS = ("number", "change", "state", "by", "requested", "answered or expires", "why")
FOLD = {"change": 20, "by": 10, "why": 16}
COLOURS = {"refused": "red", "expired": "red", "requested": "yellow"}


def arguments_of_requests(parser: ArgumentParser) -> None:
    """Add which requests to list."""
    parser.add_argument("name", metavar="NAME", type=named, nargs="?", help="to this cluster only")
    parser.add_argument("--open", action="store_true", dest="is_open", help="without a verdict")
    parser.add_argument("--limit", type=positive, default=20, help="how many at most (%(default)s)")


def arguments_of_withdraw(parser: ArgumentParser) -> None:
    """Add the request."""
    about = "of the request, as 'peers requests' shows it"
    parser.add_argument("number", metavar="NUMBER", type=positive, help=about)
    previewable(parser)


def requests(terminal: Terminal, options: Options) -> None:
    """List requests, the newest first."""
    name, limit = options["name"] or "", options["limit"]
    found = peer_requests.recent(peer=name, is_open=options["is_open"], most=limit + 1)
    known = peers().by_name
    if name and not found and name not in known:
        raise UnknownPeer(name=name, known=known)
    shown = found[:limit]
    if not shown:
        kind = "open request" if options["is_open"] else "request"
        terminal.answer([], f"There is no {kind} to {name or 'another cluster'}.")
        return
    more = [sanitized(f"There are more than these {limit}; --limit shows more.")]
    lines = table(HEADERS, map(row, shown), fold=FOLD)
    terminal.answer([facts(one) for one in shown], lines, *(more if found[limit:] else ()))


def withdraw(terminal: Terminal, options: Options) -> None:
    """Take a request back."""
    change = WithdrawRequest(number=options["number"])
    carry_out(terminal, options, change, partial(_withdrawn, options["number"]))


def _withdrawn(number: int, found: AskedOutcome) -> Shown:
    return {"number": number, "state": found.request.state}, [sanitized(found.sentence)]


def row(line: RequestLine) -> tuple[object, ...]:
    """Return a request as cells of HEADERS."""
    return (
        str(line.number),
        line.wish,
        sanitized(line.progress, COLOURS.get(line.state, "")),
        line.by,
        times.moment(line.asked_at),
        times.moment(line.answered_at or line.expires_at),
        line.reason or line.note,
    )


def facts(line: RequestLine) -> dict[str, object]:
    """Return a request as JSON values."""
    return {
        "number": line.number,
        "cluster": line.peer,
        "instance": line.instance,
        "action": line.action,
        "patterns": list(line.patterns),
        "until": line.until,
        "note": line.note,
        "state": line.state,
        "confirmed": line.is_confirmed,
        "withdrawing": line.is_open and line.is_taken_back,
        "by": line.by,
        "requested": line.asked_at,
        "expires": line.expires_at,
        "answered": line.answered_at,
        "sent": line.tries,
        "reason": line.reason,
    }
