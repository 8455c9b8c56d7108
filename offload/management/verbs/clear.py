"""``clear``: remove rules, by instance and pattern or by their ids."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.peers.rule_requests import RequestAction
from offload.core.placement.topology import Scope
from offload.management import asking_peers
from offload.management.changing import carry_out
from offload.management.terminal import Terminal, sanitized
from offload.management.verb import Options, Verb
from offload.management.verbs.rule_actions import facts, scoped
from offload.operations.changes import wording
from offload.operations.changes.rules import ClearRules, RemoveRules

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.management.changing import Shown
    from offload.operations.changes.rules import RulesOutcome

#: Digits of the largest id that databases can store.
ID_DIGITS_MAX = 18


def arguments(parser: ArgumentParser) -> None:
    """Add an instance and patterns, or ids."""
    scoped(parser, patterns="*", or_else="; or the ids of rules")


def run(terminal: Terminal, options: Options) -> None:
    """Remove the rules, all of them or none."""
    target, patterns, scope = options["target"], options["patterns"], options["scope"]
    ids = numbers([target, *patterns]) if scope == Scope.INSTANCE else []
    if ids:
        removal = RemoveRules(ids=tuple(ids))
        carry_out(terminal, options, removal, partial(_shown, {"ids": ids}))
        return
    check_given(target, patterns)
    if asking_peers.is_asked(target, options):
        asking_peers.ask(terminal, options, RequestAction.CLEAR)
        return
    clearing = ClearRules(target=target, patterns=tuple(patterns), scope=scope)
    asked = {"target": target, "scope": scope, "patterns": patterns}
    carry_out(terminal, options, clearing, partial(_shown, asked))


def check_given(target: str, patterns: Sequence[str]) -> None:
    """Raise CommandError if nothing to clear was given."""
    if target and not patterns:
        raise CommandError(
            "Write what to clear: manage.py offload clear INSTANCE PATTERN, or the ids that "
            "'manage.py offload rules' shows."
        )


def numbers(words: Sequence[str]) -> list[int]:
    """Return the given ids of rules; empty unless all words are numbers."""
    return [int(word) for word in words] if all(map(is_number, words)) else []


def is_number(word: str) -> bool:
    """Tell whether a word is the id of a rule, and not a nodename, which has an @."""
    return word.isascii() and word.isdecimal() and len(word) <= ID_DIGITS_MAX


def _shown(asked: dict[str, object], found: RulesOutcome) -> Shown:
    removed = list(map(facts, found.removed))
    cleared = {"cleared": len(removed), "rules": removed, "opened": list(found.opened)}
    return {**asked, **cleared}, list(lines(found))


def lines(found: RulesOutcome) -> Iterator[str | Text]:
    """Yield how many rules were removed, and which instances lost their last allow."""
    if not found.removed:
        yield "There was no such rule; nothing changed. See: manage.py offload rules"
        return
    yield f"Rules cleared: {len(found.removed)}."
    yield from map(wording.described, found.removed)
    yield from (sanitized(text, "yellow") for text in wording.opened(found.opened))


CLEAR = Verb(
    name="clear",
    help="remove the rules of exactly these patterns, or of these ids",
    arguments=arguments,
    run=run,
)
