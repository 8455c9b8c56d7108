"""Actions on runs: ``manage.py offload runs ACTION``."""

from __future__ import annotations

from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.management import CommandError

from offload.core.exceptions import RunTimeout
from offload.core.workflows.run_states import RunState
from offload.management.arguments import pairs, times
from offload.management.arguments.words import named
from offload.management.changing import previewable
from offload.management.terminal import sanitized
from offload.management.verb import Choices, general, refuse_alike
from offload.management.verbs.workflows import event_action, run_text
from offload.management.verbs.workflows.run_ids import whole
from offload.messaging.installation import celery_app
from offload.operations import approvals, run_previews, runs
from offload.operations.changes import actors
from offload.reading.runs import run_page
from offload.workflows import RunHandle, copy_run, start

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.operations.changes.actors import Actor
    from offload.reading.runs.run_lines import RunLine

#: The exit code for what has not ended in time.
TIMED_OUT = 2


def arguments(parser: ArgumentParser) -> None:
    """Add the actions; without one, the verb lists the runs."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, about, take in (
        ("start", "start a run of a workflow", _start),
        ("show", "show a run with its steps, and why each waits", _show),
        ("stop", "stop a run: nothing begins any more, running steps are asked", _stop),
        ("pause", "begin no further step until it is resumed", _change),
        ("resume", "let a paused run go on", _change),
        ("skip", "leave out a step that has not begun", _skip),
        ("approve", "approve a step that waits for it", _skip),
        ("reject", "reject a step that waits for an approval: it fails", _skip),
        ("event", "send an event to the steps that wait for it", event_action.arguments),
        ("restart", "do again what failed, and keep what is done, as a new run", _change),
        ("copy", "do it all again, with other parameters", _copy),
    ):
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        take(one)
        refuse_alike(one, parser)
    actions.choices = Choices(actions, kind="action", help_of="offload runs")


def _id(parser: ArgumentParser) -> None:
    parser.add_argument(
        "id", type=named, metavar="ID", help="its id, or enough of its beginning or end"
    )


def _noted(parser: ArgumentParser) -> None:
    parser.add_argument("--note", default="", help="the reason, for the record")


def _change(parser: ArgumentParser) -> None:
    _id(parser)
    _noted(parser)
    previewable(parser)


def _stop(parser: ArgumentParser) -> None:
    _change(parser)
    parser.add_argument("--force", action="store_true", help="kill the processes of its steps")


def _skip(parser: ArgumentParser) -> None:
    _id(parser)
    parser.add_argument("step", type=named, metavar="STEP", help="the name of the step")
    _noted(parser)
    previewable(parser)


def _show(parser: ArgumentParser) -> None:
    _id(parser)


def _copy(parser: ArgumentParser) -> None:
    _id(parser)
    _given(parser)


def _start(parser: ArgumentParser) -> None:
    parser.add_argument("name", type=named, metavar="NAME", help="of the workflow")
    _given(parser)
    parser.add_argument(
        "--file", action="append", default=[], metavar="NAME=PATH", dest="files",
        help="a file that goes with the run",
    )  # fmt: skip
    parser.add_argument(
        "--timeout", type=times.duration, metavar="30s",
        help="wait for its end, no longer than this; exit code 2 if it has not ended",
    )  # fmt: skip


def _given(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="single",
        help="a parameter; read as JSON if possible, otherwise as text",
    )  # fmt: skip
    _noted(parser)


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
        steps = [{"step": one.step, "before": one.before, "after": one.after} for one in effects]
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
    return {**how, **{name: options[name] for name in ("force", "step") if name in options}}


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
    }
)
