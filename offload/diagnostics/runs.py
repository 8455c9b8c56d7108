"""Runs of workflows that wait for somebody: paused, for long, without a place, or not undone."""

from __future__ import annotations

from datetime import timedelta
from shlex import quote
from typing import TYPE_CHECKING

from offload.core.moments import span
from offload.core.texts import counted
from offload.core.workflows import compensations
from offload.core.workflows.placements import Placement
from offload.core.workflows.waits import WORDS, WaitKind
from offload.diagnostics.finding import Finding, warn
from offload.reading.runs import run_lines, unplaced, waiting_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.models import Run
    from offload.reading.runs.unplaced import Unplaced

SUBJECT = "runs"
#: Steps that have waited longer than this, without a limit, are told.
LONG = timedelta(days=1)
#: The next step for each kind of wait.
NEXT_STEPS = {
    WaitKind.APPROVAL: "To decide: manage.py offload runs approve {run} {step}, or reject",
    WaitKind.TOKEN: "Ask whoever has its token, or: manage.py offload runs skip {run} {step}",
    WaitKind.EVENT: "To send it: manage.py offload runs event {about} --run {run}",
}
#: Most runs that are told because steps of them were not undone.
MOST = 3


def examine() -> Iterator[Finding]:
    """Yield runs that are paused, wait for long, have no place, or were not undone."""
    yield from _paused()
    yield from map(_unplaced, unplaced.unplaced())
    yield from _not_undone()
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


def _unplaced(found: Unplaced) -> Finding:
    count, oldest = len(found.runs), found.runs[0]
    runs = counted(count, "run finds", "runs find")
    at = f", placed at {found.instance}" if found.instance else ""
    fact = (
        f"{runs} no place ({found.placement}{at}). {found.why} "
        f"The oldest is {oldest} of {found.workflow}."
    )
    steps = [found.next_step, f"To see why: manage.py offload explain {oldest}"]
    if found.placement is Placement.TOGETHER:
        free = f"To place each step by itself: manage.py offload runs place {oldest} --anywhere"
        steps = [free, *steps]
    return warn(SUBJECT, fact, "\n".join(filter(None, steps)))


def _not_undone() -> Iterator[Finding]:
    count, newest = run_lines.not_undone(MOST)
    for row in newest:
        yield _left(row)
    if count > len(newest):
        fact = f"{count - len(newest)} older runs were not undone wholly either."
        yield warn(SUBJECT, fact, "To see them: manage.py offload runs --state FAILED")


def _left(row: Run) -> Finding:
    graph, plan = row.led or (None, {})
    names = compensations.not_undone(graph, plan) if graph else ()
    if graph is None or not names:
        fact = f"Run {row.pk} of {row.workflow} was not undone wholly, and cannot be read."
        return warn(SUBJECT, fact, f"To see it: manage.py offload runs show {row.pk}")
    first = plan[graph.by_name[names[0]].undo_name]
    note = f": {first.note}" if first.note else ""
    by = f", started by {row.actor}," if row.actor else ""
    fact = (
        f"Run {row.pk} of {row.workflow}{by} failed and was not undone wholly: "
        f"{', '.join(names)}. What undoes {names[0]} is {first.state}{note}."
    )
    step = (
        f"Undo it by hand, then say so: manage.py offload runs undone {row.pk} {quote(names[0])}\n"
        f"To do all of it again after that: manage.py offload runs restart {row.pk}"
    )
    return warn(SUBJECT, fact, step)
