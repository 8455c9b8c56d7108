"""``resources``: list the resources with those that use them, or change one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.admission.resources import Per
from offload.management.arguments import times
from offload.management.terminal import Terminal, sanitized, table
from offload.management.verb import Options, Verb
from offload.management.verbs.resources import resource_actions
from offload.reading.cluster.resources import resources

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.text import Text

    from offload.reading.cluster.resources import ResourceLine

HEADERS = ("resource", "capacity", "used", "per", "waiting", "note")
FOLD = {"resource": 8, "note": 12}
NONE = "There are no resources. To define one: manage.py offload resources set NAME --capacity N"
#: Users that are listed of each.
USERS_SHOWN = 20


def run(terminal: Terminal, options: Options) -> None:
    """Show the resources, or change one of them."""
    if options["action"]:
        resource_actions.run(terminal, options)
        return
    known = resources()
    shown = [table(HEADERS, map(row, known), fold=FOLD), *notes(known)] if known else [NONE]
    terminal.answer([one.as_dict() for one in known], *shown)


def row(line: ResourceLine) -> tuple[str, ...]:
    """Return a resource as the cells of a table."""
    resource = line.use.resource
    capacity = str(resource.capacity)
    if line.in_force != resource.capacity:
        capacity = f"{line.in_force} of {capacity}"
    return (
        resource.name, capacity, str(line.use.used), resource.per, str(line.waiting), resource.note,
    )  # fmt: skip


def notes(lines: Sequence[ResourceLine]) -> Iterator[Text]:
    """Yield the users of each resource, its reports and its cooling."""
    for line in lines:
        for one in line.use.holders[:USERS_SHOWN]:
            how = "running" if one.is_running else "bound"
            where = f" on {one.host}" if line.use.resource.per is Per.HOST else ""
            fact = f"{one.job_id} uses {one.amount} of {line.name}{where}: {one.topic}, {how} for"
            yield sanitized(f"{fact} {times.seconds(one.age)}", "dim")
        if (more := len(line.use.holders) - USERS_SHOWN) > 0:
            yield sanitized(f"{more} more use {line.name}.", "dim")
        if line.report:
            yield sanitized(f"{line.name}: {line.report}.", "dim")
        if line.cools:
            until = times.moment(line.use.resource.cools_until)
            how = f"To end that: manage.py offload resources clear {line.name}"
            by = line.use.resource.cooled_by or "a person"
            yield sanitized(f"{line.name} cools down until {until}, by {by}. {how}", "yellow")
    declared = [line.name for line in lines if line.is_declared]
    if declared:
        yield sanitized(f'Declared in OFFLOAD["RESOURCES"]: {", ".join(declared)}.', "dim")


RESOURCES = Verb(
    name="resources",
    help="list resources and who uses them; set, report, cool, clear, remove one",
    arguments=resource_actions.arguments,
    run=run,
)
