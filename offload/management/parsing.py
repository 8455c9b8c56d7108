"""The parser of ``manage.py offload``: a verb, and what belongs to it."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from offload.management.verb import general
from offload.management.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.management.verb import Verb

EPILOG = (
    "Exit codes: 0 done, 1 failed or refused, 2 not ended in time (or misspelled), "
    "130 interrupted. 'manage.py offload VERB --help' lists a verb's options."
)


class Choices(dict[str, Any]):
    """The parsers of the verbs; a name that is none is refused with the nearest one."""

    def __init__(self, action: argparse.Action) -> None:
        """Take over what the action has."""
        super().__init__(action.choices)  # type: ignore[arg-type]
        self.action = action

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a verb; raise ArgumentError where there is none."""
        if super().__contains__(name):
            return True
        raise argparse.ArgumentError(
            self.action, f"there is no verb {name!r}. {nearest(str(name))}"
        )


def nearest(name: str) -> str:
    """Return which verb was meant, or how to see them all."""
    found = get_close_matches(name, VERBS, n=1)
    return f"Did you mean {found[0]!r}?" if found else "'manage.py offload --help' lists them."


def add_verbs(parser: argparse.ArgumentParser, refuse: Callable[[str], NoReturn] | None) -> None:
    """Let a parser take a verb; ``refuse`` is told instead of people what cannot be read."""
    parser.epilog = EPILOG
    parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    made = [parser, *(_add(verbs, verb) for verb in VERBS.values())]
    verbs.choices = Choices(verbs)
    for one in made if refuse else ():
        one.error = refuse  # type: ignore[method-assign,assignment]


def _add(verbs: Any, verb: Verb) -> argparse.ArgumentParser:
    """Return a verb's parser, which takes the general options too."""
    # No abbreviations: --for, where a verb has none, would be --force-color.
    parser: argparse.ArgumentParser = verbs.add_parser(
        verb.name, help=verb.help, description=verb.help, allow_abbrev=False
    )
    general(parser)
    verb.arguments(parser)
    return parser
