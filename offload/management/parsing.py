"""The parser of ``manage.py offload``: a verb, and what belongs to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from offload.management.verb import Choices, VerbParser, general
from offload.management.verbs import VERBS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from offload.management.verb import Verb

EPILOG = (
    "Exit codes: 0 done, 1 failed or refused, 2 not ended in time (or misspelled), "
    "130 interrupted. 'manage.py offload VERB --help' lists a verb's options."
)


def add_verbs(parser: argparse.ArgumentParser, refuse: Callable[[str], NoReturn] | None) -> None:
    """Let a parser take a verb; ``refuse`` is told instead of people what cannot be read."""
    parser.epilog = EPILOG
    parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")
    verbs = parser.add_subparsers(
        dest="verb", metavar="VERB", required=True, parser_class=VerbParser
    )
    made = [parser, *(_add(verbs, verb) for verb in VERBS.values())]
    verbs.choices = Choices(verbs, kind="verb", help_of="offload")
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
