"""A run as the command prints it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from offload.management.arguments import times
from offload.management.json_output import as_json
from offload.management.terminal import sanitized, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.table import Table
    from rich.text import Text

    from offload.reading.runs.run_page import RunPage, StepLine

HEADERS = ("step", "state", "why", "instance", "job")
FOLD = {"step": 12, "why": 20}
COLOURS = {"FAILED": "red", "RUNNING": "cyan", "SUCCEEDED": "green"}


def facts(page: RunPage) -> dict[str, object]:
    """Return the facts that lists do not have, as JSON values."""
    return {
        "parameters": page.parameters,
        "user_data": page.user_data,
        "parent": page.parent_id,
        "former": page.former,
        "not_undone": page.not_undone,
        "relation": page.relation,
        "placement": page.placement,
        "home": page.home,
        "instance": page.instance,
        "placement_epoch": page.placement_epoch,
        "unplaced_because": page.unplaced,
        "later": [{"id": key, "relation": how} for key, how in page.later],
        "steps": [
            {
                "name": one.name,
                "topic": one.topic,
                "state": one.state,
                "job": one.job,
                "job_state": one.job_state,
                "instance": one.instance,
                "why": one.why,
                "waits_for": one.wait and one.wait.kind,
            }
            for one in page.steps
        ],
    }


def lines(page: RunPage) -> Iterator[str | Text | Table]:
    """Yield a run for people."""
    line = page.line
    ended = f", ended {times.moment(line.ended)}" if line.ended else ""
    version = f", version {line.version}" if line.version else ""
    yield f"Run {line.id} of {line.workflow}{version}"
    yield sanitized(str(line.state), COLOURS.get(line.state, ""))
    yield f"Started {times.moment(line.started)}{_by(page)}{ended}"
    if page.parameters:
        yield f"With {as_json(page.parameters)}"
    if line.paused and not line.state.is_final:
        how = f"manage.py offload runs resume {line.id}"
        yield sanitized(f"It is paused. To let it go on: {how}", "yellow")
    if page.not_undone:
        names = ", ".join(page.not_undone)
        yield sanitized(f"NOT UNDONE, though the run failed: {names}. Undo it by hand.", "bold red")
        for name in page.not_undone:
            how = f"manage.py offload runs undone {line.id} {shlex.quote(name)}"
            yield sanitized(f"Once {name} is undone: {how}", "yellow")
    if page.placed:
        yield page.placed
    yield from _relatives(page)
    yield table(HEADERS, map(_row, page.steps), fold=FOLD)
    yield from to_decide(page)


def to_decide(page: RunPage) -> Iterator[Text]:
    """Yield how to decide about each step that waits for it."""
    for one in page.steps:
        if one.can_decide:
            how = f"manage.py offload runs approve {page.line.id} {shlex.quote(one.name)}"
            yield sanitized(f"To decide about {one.name}: {how}, or reject", "yellow")


def _by(page: RunPage) -> str:
    by = f" by {page.line.actor}" if page.line.actor else ""
    by += f" by job {page.parent_id}" if page.parent_id else ""
    return f"{by}: {page.line.reason}" if page.line.reason else by


def _relatives(page: RunPage) -> Iterator[str]:
    done = {"restart": "restarts", "copy": "copies"}
    if page.former:
        yield f"It {done.get(page.relation, 'follows')} run {page.former}."
    for key, how in page.later:
        yield f"Run {key} {done.get(how, 'follows')} it."


def _row(one: StepLine) -> tuple[object, ...]:
    job_state = one.job_state if one.job_state and one.state == "RUNNING" else one.state
    return (
        one.name,
        sanitized(job_state, COLOURS.get(one.state, "")),
        one.why,
        one.instance,
        one.job,
    )
