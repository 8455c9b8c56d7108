"""Queues and resources that let nothing begin, and declarations that the tables do not follow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidQueue, InvalidResource
from offload.core.placement.judgement import noted
from offload.diagnostics.finding import Finding, ok, warn
from offload.fleet.snapshots import snapshot
from offload.queues import declared, declared_resources
from offload.reading.cluster import resources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.reading.cluster.resources import ResourceLine

SUBJECT, RESOURCES = "queues", "resources"
#: Users of an undefined resource that are named.
USERS_SHOWN = 3
RESUME = "To resume it: manage.py offload queues resume {name}"


def examine() -> Iterator[Finding]:
    """Yield queues that begin nothing, and declarations that the tables do not follow."""
    yield from _suspended()
    yield from _never_open()
    yield from _declared()
    yield from _declared_resources()
    yield from _undefined()
    yield from _resources()


def _suspended() -> Iterator[Finding]:
    for policy in snapshot().policies:
        if policy.drains and not policy.suspended:
            fact = noted(f"Queue {policy.name} drains: jobs that come to it wait", policy.note)
            yield warn(SUBJECT, fact, RESUME.format(name=policy.name))
        if policy.suspended:
            note = f": {policy.note}" if policy.note else ""
            fact = f"Queue {policy.name} is suspended{note}. None of its jobs is sent."
            yield warn(SUBJECT, fact, RESUME.format(name=policy.name))


def _never_open() -> Iterator[Finding]:
    for policy in snapshot().policies:
        if policy.windows is not None and not policy.windows.windows:
            fact = f"Queue {policy.name} never opens: its windows cannot be read."
            yield warn(
                SUBJECT,
                fact,
                f"To run it always: manage.py offload queues set {policy.name} --window none",
            )


def _declared() -> Iterator[Finding]:
    try:
        found = declared.difference()
    except InvalidQueue:
        # A system check reports it.
        return
    other = [row.name for row in (*found.missing, *found.changed, *found.surplus)]
    if other:
        fact = f'OFFLOAD["QUEUES"] differs from the tables for: {", ".join(sorted(other))}.'
        yield warn(SUBJECT, fact, "Run: manage.py migrate, or start a worker.")
    for row in found.clashing:
        fact = f"Queue {row.name} is declared, but was made by hand before: that one applies."
        step = f"Remove it: manage.py offload queues remove {row.name}\nThen run: manage.py migrate"
        yield warn(SUBJECT, fact, step)
    if not other and not found.clashing:
        yield ok(SUBJECT, "The queues match their declarations.")


def _declared_resources() -> Iterator[Finding]:
    try:
        found = declared_resources.difference()
    except InvalidResource:
        # A system check reports it.
        return
    if other := sorted({*(row.name for row in found.changed), *found.surplus}):
        fact = f'OFFLOAD["RESOURCES"] differs from the tables for: {", ".join(other)}.'
        yield warn(RESOURCES, fact, "Run: manage.py migrate, or start a worker.")
    for name in found.clashing:
        fact = f"Resource {name} is declared, but was changed by hand since: that holds."
        step = f"To go by the settings again: manage.py offload resources remove {name}"
        yield ok(RESOURCES, f"{fact} {step}, and manage.py migrate")


def _undefined() -> Iterator[Finding]:
    """Yield resources that nobody has defined, with those that use them."""
    for name, users in resources.undefined().items():
        shown = ", ".join(users[:USERS_SHOWN])
        more = f" and {len(users) - USERS_SHOWN} more" if len(users) > USERS_SHOWN else ""
        yield warn(
            RESOURCES,
            f"Nobody has defined the resource {name}, so what uses it waits: {shown}{more}.",
            f"To define it: manage.py offload resources set {name} --capacity N",
        )


def _resources() -> Iterator[Finding]:
    """Yield resources whose report is too old, and those of which more is used than there is."""
    lines = resources.resources()
    found = [one for line in lines for one in _of_one(line)]
    yield from found
    if lines and not found:
        yield ok(RESOURCES, "No more is used of any resource than there is.")


def _of_one(line: ResourceLine) -> Iterator[Finding]:
    report = line.use.resource.report
    if report is not None and not report.is_fresh(line.at):
        yield warn(
            RESOURCES,
            f"Of resource {line.name}, {line.report}.",
            f"Look at what reports it. By hand: manage.py offload resources report {line.name} N",
        )
    if line.use.used > line.in_force:
        yield warn(
            RESOURCES,
            f"Of resource {line.name}, {line.use.used} are used and there are {line.in_force}: "
            f"it was lowered while jobs ran. {line.waiting} wait for it.",
            "They end by themselves. To see them: manage.py offload resources\n"
            f"To change that: manage.py offload resources set {line.name} --capacity N",
        )
