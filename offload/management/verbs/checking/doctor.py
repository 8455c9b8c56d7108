"""``doctor``: examine the site; show findings and next steps."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from django.core.management import CommandError

from offload.diagnostics import Finding, Level, examine
from offload.management.colours import coloured
from offload.management.terminal import Terminal, sanitized
from offload.management.verb import Options, Verb

if TYPE_CHECKING:
    from rich.text import Text

WORST_FIRST = (Level.FAIL, Level.WARN, Level.OK)


def run(terminal: Terminal, _: Options) -> None:
    """Show the findings, the worst first; raise CommandError if something does not work."""
    found = sorted(examine(), key=lambda one: WORST_FIRST.index(one.level))
    failed = sum(one.level is Level.FAIL for one in found)
    facts = {"ok": not failed, "findings": [asdict(one) for one in found]}
    terminal.answer(facts, *map(line, found))
    if failed:
        keep = "keeps" if failed == 1 else "keep"
        raise CommandError(f"{failed} of {len(found)} findings {keep} the site from working.")


def line(finding: Finding) -> Text:
    """Return a finding, and below it the next step."""
    fact = f"{finding.subject:<10} {finding.fact}"
    return entry(finding.level.value, fact, finding.next_step)


def entry(level: str, fact: str, next_step: str) -> Text:
    """Return a fact beside its level, and below it the next step, if there is one."""
    made = coloured(level)
    made.pad_right(6 - len(made))
    made.append_text(sanitized(fact))
    if next_step:
        indented = next_step.replace("\n", "\n" + " " * 20)
        made.append_text(sanitized(f"\n{'':<17}-> {indented}", "bold"))
    return made


DOCTOR = Verb(
    name="doctor",
    help="examine settings, database, broker, results, storage and instances",
    run=run,
    tolerant=True,
)
