"""``launchers``: list the launchers, change one, or switch all of them off or on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from offload.core.texts import as_text
from offload.launchers.launcher_changes import SwitchLaunchers
from offload.launchers.launcher_rules import off_because
from offload.management.arguments.words import named
from offload.management.changing import carry_out, previewable
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Choices, Options, Verb, general, refuse_alike
from offload.management.verbs.rule_actions import noted
from offload.management.verbs.workflows import launcher_actions
from offload.management.verbs.workflows.launcher_json import facts, problem_of
from offload.messaging.installation import celery_app
from offload.models.launching.launcher_rows import EVERYWHERE
from offload.reading.runs.launcher_lines import all_launchers

if TYPE_CHECKING:
    from argparse import ArgumentParser

    from offload.management.changing import Shown
    from offload.models import Launcher
    from offload.operations.changes.change_outcomes import Outcome

HEADERS = (
    "launcher", "enabled", "event", "pattern", "exclude", "include", "workflow", "problem",
)  # fmt: skip
FOLD = {"pattern": 12, "workflow": 12, "problem": 20}
NONE = (
    "There is no launcher. Add one by: manage.py offload launchers add NAME PATTERN WORKFLOW, in "
    'the admin, or to OFFLOAD["LAUNCHERS"].'
)


def arguments(parser: ArgumentParser) -> None:
    """Add the actions; without one, the verb lists the launchers."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, about in (
        ("off", "start nothing by launchers any more"),
        ("on", "let launchers start workflows again"),
    ):
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        one.add_argument(
            "--instance", type=named, metavar="NAME", default=EVERYWHERE,
            help="only for the folders that this instance watches",
        )  # fmt: skip
        if name == "off":
            noted(one)
        previewable(one)
        refuse_alike(one, parser)
    launcher_actions.arguments(actions, parser)
    actions.choices = Choices(actions, kind="action", help_of="offload launchers")


def run(terminal: Terminal, options: Options) -> None:
    """List the launchers, change one of them, or switch all."""
    if options["action"] in launcher_actions.ACTIONS:
        launcher_actions.run(terminal, options)
        return
    if options["action"]:
        is_off = options["action"] == "off"
        change = SwitchLaunchers(
            off=is_off, instance=options["instance"], note=options.get("note") or ""
        )
        carry_out(terminal, options, change, partial(_shown, is_off, options["instance"]))
        return
    celery_app().loader.import_default_modules()
    found, off = all_launchers(), off_because()
    listed = table(HEADERS, map(row, found), fold=FOLD) if found else NONE
    warned = [sanitized(f"Nothing starts: {off}.", "yellow")] if off else []
    terminal.answer(
        {"off": off or None, "launchers": [facts(one) for one in found]}, listed, *warned
    )


def _shown(is_off: bool, instance: str, found: Outcome) -> Shown:
    return {"off": is_off, "instance": instance}, [sanitized(found.sentence)]


def row(one: Launcher) -> tuple[object, ...]:
    """Return a launcher as cells of HEADERS."""
    return (
        one.name, "yes" if one.enabled else "no", one.event, one.pattern, _types(one.exclude),
        _types(one.include), one.workflow, sanitized(problem_of(one), "red"),
    )  # fmt: skip


def _types(stored: Any) -> str:
    return ", ".join(map(as_text, stored)) if isinstance(stored, list) else as_text(stored)


LAUNCHERS = Verb(
    name="launchers",
    help="list launchers; add, edit, remove, enable, disable one; switch all off or on",
    arguments=arguments,
    run=run,
)
