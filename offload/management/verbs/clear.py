"""``clear``: rules removed, by instance and pattern or by their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.placement.topology import Scope
from offload.fleet import rules
from offload.management.terminal import Terminal, plain
from offload.management.verb import Options, Verb
from offload.management.verbs.rule_actions import check_target, scoped

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.fleet.rules import Cleared

#: Digits of the longest id that any database has room for.
ID_DIGITS_MAX = 18


def arguments(parser: ArgumentParser) -> None:
    """Take an instance and patterns, or ids."""
    scoped(parser, patterns="*", or_else="; or the ids of rules")


def run(terminal: Terminal, options: Options) -> None:
    """Remove the rules, all of them or none."""
    target, patterns, scope = options["target"], options["patterns"], options["scope"]
    ids = numbers([target, *patterns]) if scope == Scope.INSTANCE else []
    if ids:
        found = rules.clear_ids(ids)
        asked: dict[str, object] = {"ids": ids}
    else:
        check_target(target, scope)
        check_given(patterns)
        found = rules.clear_all(target, patterns, scope=scope)
        asked = {"target": target, "scope": scope, "patterns": patterns}
    terminal.answer({**asked, "cleared": found.count, "opened": list(found.opened)}, *told(found))


def check_given(patterns: Sequence[str]) -> None:
    """Raise CommandError where there is nothing to clear."""
    if not patterns:
        raise CommandError(
            "Write what to clear: manage.py offload clear INSTANCE PATTERN, or the ids that "
            "'manage.py offload rules' shows."
        )


def numbers(words: Sequence[str]) -> list[int]:
    """Return the ids of rules that are written; nothing where they are no numbers."""
    return [int(word) for word in words] if all(map(is_number, words)) else []


def is_number(word: str) -> bool:
    """Tell whether a word is the id of a rule; a nodename has an @."""
    return word.isascii() and word.isdecimal() and len(word) <= ID_DIGITS_MAX


def told(found: Cleared) -> Iterator[str | Text]:
    """Yield how many rules are gone, and whom that opens."""
    if not found.count:
        yield "There was no such rule; nothing changed. See: manage.py offload rules"
        return
    yield f"Rules cleared: {found.count}."
    if found.opened:
        names = ", ".join(found.opened)
        yield plain(
            f"That was the last allow of {names}: without one it may do everything that its "
            "consumers can and no deny keeps from it.",
            "yellow",
        )


CLEAR = Verb(
    name="clear",
    help="remove the rules of exactly these patterns, or of these ids",
    arguments=arguments,
    run=run,
)
