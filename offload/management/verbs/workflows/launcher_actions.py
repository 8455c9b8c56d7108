"""Changes of launchers: ``manage.py offload launchers add|edit|remove|enable|disable``."""

from __future__ import annotations

from argparse import BooleanOptionalAction
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.management import CommandError

from offload.core.launchers.launcher_decision import ANY_EVENT, LaunchEvent
from offload.core.validation.bounds import FILE_BYTES
from offload.launchers.launcher_changes import RemoveLauncher, SaveLauncher
from offload.launchers.launcher_commands import NONE_WORD
from offload.management.arguments import pairs
from offload.management.arguments.numbers import whole
from offload.management.arguments.words import named
from offload.management.changing import carry_out, previewable
from offload.management.terminal import sanitized
from offload.management.verb import general, refuse_alike
from offload.management.verbs.workflows.launcher_json import facts
from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from argparse import ArgumentParser, _SubParsersAction
    from collections.abc import Callable, Mapping

    from offload.launchers.launcher_changes import LauncherOutcome
    from offload.management.changing import Shown
    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.operations.changes.change import Change

#: Fields of a launcher, by the option that sets them; lists are read apart.
FIELDS = ("event", "pattern", "workflow", "size_min", "size_max", "input_name", "takes_outputs")
SIZES = ("size_min", "size_max")
LISTS = ("exclude", "include")
EVENTS = (ANY_EVENT, *(one.value for one in LaunchEvent))


def arguments(actions: _SubParsersAction[Any], verb: ArgumentParser) -> None:
    """Add the actions on single launchers."""
    for name, about, take in (
        ("add", "make a launcher of a workflow, for files at some paths", _add),
        ("edit", "change a launcher; options that are left out keep their values", _edit),
        ("remove", "remove a launcher; the command that makes it again is shown", _named),
        ("enable", "let a launcher start its workflow", _named),
        ("disable", "let a launcher start nothing", _named),
    ):
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        take(one)
        previewable(one)
        refuse_alike(one, verb)


def _named(parser: ArgumentParser) -> None:
    parser.add_argument("name", type=named, metavar="NAME", help="of the launcher")


def _add(parser: ArgumentParser) -> None:
    _named(parser)
    parser.add_argument(
        "pattern", type=named, metavar="PATTERN", help="of paths, such as 'photos/**' (in quotes)"
    )
    parser.add_argument("workflow", type=named, metavar="WORKFLOW", help="that it starts")
    _options(parser)
    parser.add_argument(
        "--disabled", dest="enabled", action="store_false", default=None,
        help="make it, but let it start nothing yet",
    )  # fmt: skip


def _edit(parser: ArgumentParser) -> None:
    _named(parser)
    parser.add_argument("--pattern", type=named, metavar="PATTERN", help="of paths (in quotes)")
    parser.add_argument("--workflow", type=named, metavar="NAME", help="that it starts")
    _options(parser)
    parser.add_argument(
        "--unset", action="append", default=[], type=named, metavar="KEY",
        help="a parameter that is not given any more",
    )  # fmt: skip
    parser.add_argument(
        "--enabled", dest="enabled", action="store_true", default=None, help="let it start runs"
    )
    parser.add_argument(
        "--disabled", dest="enabled", action="store_false", default=None, help="let it start none"
    )


def _options(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--event", choices=EVENTS, help="how a file arrives: by a call or a verb (given), in a "
        "model's field (saved), in a watched folder (found), or any of these",
    )  # fmt: skip
    for name, about in (
        ("exclude", "media type that it leaves alone, such as image/svg+xml; asked first"),
        ("include", "media type that it takes, such as 'image/*'; otherwise all"),
    ):
        parser.add_argument(
            f"--{name}", action="append", default=[], type=named, metavar="TYPE",
            help=f"{about}; may be repeated; none for no such type",
        )  # fmt: skip
    for name, about in (("min", "least"), ("max", "greatest")):
        parser.add_argument(
            f"--size-{name}", type=_size, metavar="BYTES", help=f"{about} size of a file, or none"
        )
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", dest="single",
        help="a parameter of the workflow; read as JSON if possible, otherwise as text; $path, "
        "$folder, $name and $media_type stand for those of the file",
    )  # fmt: skip
    parser.add_argument(
        "--input-name", metavar="NAME", help="the file's name in the run; '' for the usual one"
    )
    parser.add_argument(
        "--takes-outputs", action=BooleanOptionalAction, default=None,
        help="also start for files with the content of a job's output",
    )  # fmt: skip


def _size(text: str) -> int | str:
    return NONE_WORD if text == NONE_WORD else whole(text, FILE_BYTES)


def run(terminal: Terminal, options: Options) -> None:
    """Change a launcher and report the outcome."""
    celery_app().loader.import_default_modules()
    change = ACTIONS[options["action"]](options["name"], options)
    carry_out(terminal, options, change, partial(_shown, options["action"]))


def _made(name: str, options: Options) -> Change[LauncherOutcome]:
    return SaveLauncher(name=name, fields=_fields(options), parameters=_set(options), new=True)


def _edited(name: str, options: Options) -> Change[LauncherOutcome]:
    """Return the change of a launcher; raise CommandError if the options say none."""
    fields, given, dropped = _fields(options), _set(options), tuple(options["unset"])
    if not (fields or given or dropped):
        raise CommandError("Say what to change, such as: --pattern 'photos/**'. See: --help")
    if both := sorted(given.keys() & set(dropped)):
        raise CommandError(f"--set and --unset both name {both[0]!r:.60}. Leave one out.")
    return SaveLauncher(name=name, fields=fields, parameters=given, dropped=dropped, new=False)


def _switched(name: str, _: Options, *, on: bool) -> Change[LauncherOutcome]:
    return SaveLauncher(name=name, fields={"enabled": on}, new=False)


#: The change of each action.
ACTIONS: Mapping[str, Callable[[str, Options], Change[LauncherOutcome]]] = MappingProxyType(
    {
        "add": _made,
        "edit": _edited,
        "remove": lambda name, _: RemoveLauncher(name=name),
        "enable": partial(_switched, on=True),
        "disable": partial(_switched, on=False),
    }
)


def _fields(options: Options) -> dict[str, Any]:
    """Return the fields that the options set."""
    found = {name: options[name] for name in (*FIELDS, "enabled") if options[name] is not None}
    sizes = {name: None for name in SIZES if options[name] == NONE_WORD}
    lists = {name: [one for one in options[name] if one != NONE_WORD] for name in LISTS}
    return {**found, **sizes, **{name: one for name, one in lists.items() if options[name]}}


def _set(options: Options) -> dict[str, Any]:
    return pairs.properties(options["single"], None)


def _shown(action: str, found: LauncherOutcome) -> Shown:
    told = [sanitized(found.sentence), *(sanitized(one) for one in found.notes)]
    return {"action": action, "launcher": facts(found.launcher), "undo": found.undo or None}, told
