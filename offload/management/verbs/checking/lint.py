"""``lint``: name the problems of consumers, rules and queues."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.core.texts import counted
from offload.diagnostics import lint
from offload.management.verb import Options, Verb
from offload.management.verbs.checking.doctor import entry

if TYPE_CHECKING:
    from rich.text import Text

    from offload.core.lint.problems import Problem
    from offload.management.terminal import Terminal

CLEAN = "Consumers, rules and queues fit together."


def run(terminal: Terminal, _: Options) -> None:
    """Show the problems; raise CommandError if any is more than a note."""
    found = lint.problems()
    wrong = sum(not one.kind.is_note for one in found)
    facts = [{**asdict(one), "note": one.kind.is_note} for one in found]
    shown = map(_entry, found) if found else [CLEAN]
    terminal.answer({"ok": not wrong, "problems": facts}, *shown)
    if wrong:
        raise CommandError(f"{counted(wrong, 'problem', 'problems')} found.")


def _entry(problem: Problem) -> Text:
    level = "note" if problem.kind.is_note else "warn"
    return entry(level, problem.fact, problem.next_step)


LINT = Verb(name="lint", help="name the problems of consumers, rules and queues", run=run)
