"""Choosing jobs: by their ids, or by their common facts."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from offload.core.nearness import did_you_mean
from offload.core.states import JobState
from offload.management.arguments import times, words
from offload.reading.jobs.selection import STATE_GROUPS, Selection

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.verb import Options
    from offload.models.jobs import JobQuerySet

#: The options that filter jobs, by name.
FILTERS = ("state", "topic", "queue", "key", "instance", "error", "since")

#: Those that are texts.
TEXTS = ("topic", "queue", "key", "instance", "error")


def filters(parser: ArgumentParser, state: str = "") -> None:
    """Add the options that filter jobs; ``state`` is the default state."""
    usually = f" (else {state})" if state else ""
    parser.add_argument(
        "--state", type=states, metavar="STATE",
        help=f"a state or several, with commas: {', '.join(one.lower() for one in JobState)}; or "
        "waiting (pending, queued), open (not ended), failed (given_up, error, expired), ended"
        f"{usually}",
    )  # fmt: skip
    parser.add_argument(
        "--topic", type=words.written, metavar="PATTERN", help="a topic, or a pattern in quotes"
    )
    parser.add_argument("--queue", type=words.written, metavar="NAME", help="in this queue")
    parser.add_argument("--key", type=words.written, metavar="KEY", help="with this key")
    parser.add_argument(
        "--instance", type=words.written, metavar="NAME", help="bound to it, or last run there"
    )
    parser.add_argument(
        "--error",
        type=words.written,
        metavar="TEXT",
        help="with this text in the error or its type",
    )
    parser.add_argument(
        "--since", type=times.span, metavar="1h", help="submitted or ended within this time"
    )


def states(text: str) -> frozenset[JobState]:
    """Read states and groups of them; raise ArgumentTypeError for a name that is neither."""
    found: frozenset[JobState] = frozenset()
    for name in text.lower().split(","):
        if name not in STATE_GROUPS and name.upper() not in set(JobState):
            known = [*(one.lower() for one in JobState), *STATE_GROUPS]
            near = did_you_mean(name, known)
            problem = f"{name!r:.60} is not a state; write one of {', '.join(known)}."
            raise ArgumentTypeError(problem + near)
        found |= STATE_GROUPS[name] if name in STATE_GROUPS else {JobState(name.upper())}
    return found


def is_narrowed(options: Options) -> bool:
    """Tell whether any filter was given."""
    return any(options[name] is not None for name in FILTERS)


def narrowed(options: Options) -> JobQuerySet:
    """Return the jobs that match the options."""
    texts = {name: options[name] or "" for name in TEXTS}
    states = options["state"] or frozenset()
    return Selection(states=states, within=options["since"], **texts).jobs()
