"""Changes of resources: ``manage.py offload resources set|report|cool|clear|remove``."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from django.core.management import CommandError

from offload.core.admission.resources import Per, Stale
from offload.core.validation import bounds
from offload.management.arguments import times
from offload.management.arguments.numbers import whole
from offload.management.arguments.words import named, one_of, written_as
from offload.management.changing import carry_out, previewable
from offload.management.terminal import sanitized
from offload.management.verb import Choices, general, refuse_alike
from offload.operations.changes import wording
from offload.operations.changes.resources import (
    ClearResource,
    CoolResource,
    RemoveResource,
    SetResource,
)
from offload.queues import resources
from offload.queues.resources import FIELDS

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

    from offload.management.changing import Shown
    from offload.management.terminal import Terminal
    from offload.management.verb import Options
    from offload.operations.changes.change import Change
    from offload.operations.changes.resources import ResourceOutcome

NONE_WORD = "none"


def arguments(parser: ArgumentParser) -> None:
    """Add the actions; without one, the verb lists the resources."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    for name, about, take in (
        ("set", "define a resource, or change one; what is left out stays as it is", _fields),
        ("report", "say how much there is, as somebody outside counts it", _amount),
        ("cool", "let nothing that uses it begin for a while", _time),
        ("clear", "let what uses it begin again", previewable),
        ("remove", "remove a resource: jobs that use it wait", previewable),
    ):
        one = actions.add_parser(name, help=about, description=about, allow_abbrev=False)
        general(one)
        one.add_argument("name", type=named, metavar="NAME", help="of the resource")
        take(one)
        refuse_alike(one, parser)
    actions.choices = Choices(actions, kind="action", help_of="offload resources")


def _fields(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--capacity", type=_whole, metavar="N", help="how much there is; a report only lowers it"
    )
    parser.add_argument(
        "--per", type=one_of(Per), metavar=written_as(Per),
        help="job: each job uses its amount; host: all jobs on one host use it together",
    )  # fmt: skip
    parser.add_argument(
        "--report-age", type=_age, metavar="60s",
        help="how long a report counts; none if it takes no reports",
    )  # fmt: skip
    parser.add_argument(
        "--stale", type=one_of(Stale), metavar=written_as(Stale),
        help="after that, open: the capacity holds; closed: nothing more begins",
    )  # fmt: skip
    parser.add_argument("--note", help="what it is, and whom to ask")
    previewable(parser)


def _whole(text: str) -> int:
    return whole(text, bounds.CAPACITY)


def _age(text: str) -> float | str:
    return NONE_WORD if text == NONE_WORD else times.span(text) / timedelta(seconds=1)


def _amount(parser: ArgumentParser) -> None:
    parser.add_argument("amount", type=_whole, metavar="N", help="how much there is now")


def _time(parser: ArgumentParser) -> None:
    parser.add_argument("duration", type=times.span, metavar="10m", help="for how long")
    previewable(parser)


def run(terminal: Terminal, options: Options) -> None:
    """Change a resource and report the outcome."""
    if options["action"] == "report":
        _report(terminal, options["name"], options["amount"])
        return
    carry_out(terminal, options, ACTIONS[options["action"]](options), _shown)


def _report(terminal: Terminal, name: str, amount: int) -> None:
    """Note a report; it is no change by a person, so nothing of it is recorded."""
    row, recalled = resources.report(name, amount)
    terminal.answer(
        {"resource": row.name, "reported": amount, "recalled": recalled},
        sanitized(f"There are {amount} of {row.name}, for {times.seconds(row.report_age)}."),
        *wording.taken_back(recalled),
    )


def _set(options: Options) -> Change[ResourceOutcome]:
    given: dict[str, Any] = {
        name: options[name] for name in FIELDS if options.get(name) is not None
    }
    if not given:
        raise CommandError("Say what to change, such as: --capacity 2. See: --help")
    fields = {name: None if value == NONE_WORD else value for name, value in given.items()}
    return SetResource(name=options["name"], fields={**fields, **_note(given)})


def _note(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the note as it was written, whatever it says."""
    return {"note": given["note"]} if "note" in given else {}


#: The change of each action.
ACTIONS: Mapping[str, Callable[[Options], Change[ResourceOutcome]]] = MappingProxyType(
    {
        "set": _set,
        "cool": lambda options: CoolResource(
            name=options["name"], seconds=options["duration"].total_seconds()
        ),
        "clear": lambda options: ClearResource(name=options["name"]),
        "remove": lambda options: RemoveResource(name=options["name"]),
    }
)


def _shown(found: ResourceOutcome) -> Shown:
    """Return the outcome of a change, and how many unstarted jobs were taken back."""
    row = found.resource
    facts = {"resource": row.name, "capacity": row.capacity, "recalled": found.recalled}
    return facts, [
        sanitized(found.sentence),
        *wording.taken_back(found.recalled),
        *(sanitized(text, "yellow") for text in found.notes),
    ]
