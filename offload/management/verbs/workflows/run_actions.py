"""Actions on runs: ``manage.py offload runs ACTION``."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.management import CommandError

from offload.core.exceptions import RunTimeout
from offload.core.workflows.run_states import RunState
from offload.management.arguments import pairs
from offload.management.terminal import sanitized
from offload.management.verbs.workflows import event_action, run_text
from offload.management.verbs.workflows.run_ids import whole
from offload.messaging.installation import celery_app
from offload.operations import approvals, run_previews, runs
from offload.operations.changes import actors
from offload.reading.runs import run_page
from offload.workflows import RunHandle, copy_run, start

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.operations.changes.actors import Actor
    from offload.reading.runs.run_lines import RunLine

#: The exit code for what has not ended in time.
TIMED_OUT = 2


def run(terminal: Terminal, options: Options) -> None:
    """Act, and report what came of it."""
    ACTIONS[options["action"]](terminal, options)


def show(terminal: Terminal, options: Options) -> None:
    """Show a run with its steps."""
    _answer(terminal, whole(options["id"]))


def begin(terminal: Terminal, options: Options) -> None:
    """Start a run; with --timeout, raise CommandError if it failed."""
    celery_app().loader.import_default_modules()
    handle = start(
        options["name"],
        pairs.properties(options["single"], None),
        files=pairs.pairs("--file", options["files"]),
        reason=options["note"],
        by=actors.at_terminal().name,
        placement=options["placement"],
        peer=options["peer"],
    )
    if options["timeout"] is None:
        _answer(terminal, handle.id, f"Run {handle.id} is started.")
        return
    try:
        state = handle.wait(options["timeout"])
    except RunTimeout as error:
        raise CommandError(str(error), returncode=TIMED_OUT) from error
    _answer(terminal, handle.id)
    if state is not RunState.SUCCEEDED:
        raise CommandError(f"Run {handle.id} is {state}.")


def copy(terminal: Terminal, options: Options) -> None:
    """Start a run like another."""
    celery_app().loader.import_default_modules()
    handle = copy_run(
        whole(options["id"]),
        pairs.properties(options["single"], None),
        reason=options["note"],
        by=actors.at_terminal().name,
    )
    _answer(terminal, handle.id, f"Run {handle.id} is started.")


def change(terminal: Terminal, options: Options, *, act: Callable[..., Any]) -> None:
    """Change a run, or say what that would come to."""
    run_id, how = whole(options["id"]), _how(options)
    if options["dry_run"]:
        effects = run_previews.preview(run_id, partial(act, **how))
        steps = [
            {"step": one.step, "before": one.before, "after": one.after, "place": one.place}
            for one in effects
        ]
        said = [str(one) for one in effects] or ["No step changes at once."]
        terminal.answer(
            {"id": run_id, "dry_run": True, "steps": steps},
            sanitized("Nothing was changed. With this change:", "yellow"),
            *said,
        )
        return
    made = act(run_id, **how)
    _answer(terminal, made or run_id)


def _how(options: Options) -> dict[str, Any]:
    by: Actor = actors.at_terminal()
    how: dict[str, Any] = {"by": by, "note": options["note"]}
    return {
        **how,
        **{name: options[name] for name in ("force", "step", "instance") if name in options},
    }


def _answer(terminal: Terminal, run_id: str, *before: str) -> None:
    page = run_page.page(RunHandle(run_id).row)
    facts = {**line_facts(page.line), **run_text.facts(page)}
    terminal.answer(facts, *before, *run_text.lines(page))


def line_facts(one: RunLine) -> dict[str, object]:
    """Return a run as JSON values."""
    return {
        "id": one.id,
        "workflow": one.workflow,
        "version": one.version,
        "state": one.state,
        "paused": one.paused,
        "ended_steps": one.ended_steps,
        "step_count": one.steps,
        "failed_steps": one.failed_steps,
        "by": one.actor,
        "reason": one.reason,
        "started": one.started,
        "ended": one.ended,
    }


ACTIONS: Mapping[str, Callable[[Terminal, Options], None]] = MappingProxyType(
    {
        "start": begin,
        "show": show,
        "copy": copy,
        "stop": partial(change, act=runs.stop),
        "pause": partial(change, act=runs.pause),
        "resume": partial(change, act=runs.resume),
        "skip": partial(change, act=runs.skip),
        "approve": partial(change, act=approvals.approve),
        "reject": partial(change, act=approvals.reject),
        "event": event_action.run,
        "restart": partial(change, act=runs.restart),
        "undone": partial(change, act=runs.undone),
        "place": partial(change, act=runs.place),
    }
)
