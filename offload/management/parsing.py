"""The parser of ``manage.py offload`` with its verbs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from offload.management.verb import Choices, VerbParser, general
from offload.management.verbs import VERBS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Collection

    from offload.management.verb import Verb

EPILOG = (
    "Exit codes: 0 done, 1 failed or refused, 2 not ended in time (or misspelled), "
    "130 interrupted. 'manage.py offload VERB --help' lists a verb's options."
)


def add_verbs(
    parser: argparse.ArgumentParser,
    refuse: Callable[[str], NoReturn] | None,
    words: Collection[str] = VERBS,
) -> None:
    """Add the verbs to a parser; ``refuse`` gets usage errors instead of people.

    Only verbs among the ``words`` get their arguments: nothing else can be parsed by others.
    """
    parser.epilog = EPILOG
    parser.add_argument("--json", action="store_true", dest="as_json", help="for programs")
    verbs = parser.add_subparsers(
        dest="verb", metavar="VERB", required=True, parser_class=VerbParser
    )
    made = [parser, *(_add(verbs, verb, words) for verb in VERBS.values())]
    verbs.choices = Choices(verbs, kind="verb", help_of="offload")
    for one in made if refuse else ():
        one.error = refuse  # type: ignore[method-assign,assignment]


def _add(verbs: Any, verb: Verb, words: Collection[str]) -> argparse.ArgumentParser:
    """Add a verb's parser, with the general options too."""
    # No abbreviations: --for would mean --force-color in a verb without --for.
    parser: argparse.ArgumentParser = verbs.add_parser(
        verb.name, help=verb.help, description=verb.help, allow_abbrev=False
    )
    if verb.name in words:
        general(parser)
        verb.arguments(parser)
    return parser
