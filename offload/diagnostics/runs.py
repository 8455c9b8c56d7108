"""Runs of workflows that go on only when somebody does something: paused, or waiting for long."""

from __future__ import annotations

from datetime import timedelta
from shlex import quote
from typing import TYPE_CHECKING

from offload.core.moments import span
from offload.core.texts import counted
from offload.core.workflows.waits import WORDS, WaitKind
from offload.diagnostics.finding import Finding, warn
from offload.reading.runs import run_lines, waiting_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "runs"
#: Steps that have waited longer than this, without a limit, are told.
LONG = timedelta(days=1)
#: The next step for each kind of wait.
NEXT_STEPS = {
    WaitKind.APPROVAL: "To decide: manage.py offload runs approve {run} {step}, or reject",
    WaitKind.TOKEN: "Ask whoever has its token, or: manage.py offload runs skip {run} {step}",
    WaitKind.EVENT: "To send it: manage.py offload runs event {about} --run {run}",
}


def examine() -> Iterator[Finding]:
    """Yield paused runs, and steps that have waited for long."""
    yield from _paused()
    for kind, next_step in NEXT_STEPS.items():
        yield from _waiting(kind, next_step)


def _waiting(kind: WaitKind, next_step: str) -> Iterator[Finding]:
    count, oldest = waiting_steps.older_than(kind, LONG)
    if oldest is not None:
        steps = counted(count, "step has", "steps have")
        fact = (
            f"{steps} waited more than {span(LONG.total_seconds())} for {WORDS[kind]}, without a "
            f"limit (within=). The oldest is {oldest.step} of run {oldest.run} "
            f"of {oldest.workflow}."
        )
        words = {"run": oldest.run, "step": quote(oldest.step), "about": quote(oldest.about)}
        yield warn(SUBJECT, fact, next_step.format(**words))


def _paused() -> Iterator[Finding]:
    count, oldest = run_lines.paused()
    if oldest is not None:
        runs = counted(count, "run is", "runs are")
        fact = f"{runs} paused, the oldest is {oldest.pk} of {oldest.workflow}: nothing begins."
        yield warn(SUBJECT, fact, f"To let it go on: manage.py offload runs resume {oldest.pk}")
