"""Queues that the settings declare, as opposed to queues that people made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from offload.conf import settings
from offload.core.exceptions import InvalidQueue
from offload.core.matching.retried_errors import name_of
from offload.core.nearness import unknown_key
from offload.db import database
from offload.models import Queue
from offload.models.validation import error_text
from offload.queues import policies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The keys of a declaration.
DECLARED_FIELDS = (
    "topics", "type", "max_parallel", "max_per_instance", "max_per_host", "key", "max_per_key",
    "fair", "weights", "rate", "burst", "windows", "time_zone", "ageing", "cluster_order",
    "requires", "prefers", "retry_with", "leader_only", "prefer_creation_instance", "retries",
    "retry_delay", "backoff", "retry_on", "no_retry_on", "rerun", "rescue", "rescue_seconds",
    "retention_days", "ranking", "resources",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The difference between the declared queues and the tables."""

    #: Declared, but missing.
    missing: tuple[Queue, ...] = ()
    #: Declared with other values; with those values.
    changed: tuple[Queue, ...] = ()
    #: Present, but no longer declared.
    surplus: tuple[Queue, ...] = ()
    #: Declared, but people made a queue of the same name, which takes precedence.
    clashing: tuple[Queue, ...] = ()


def rows() -> Iterator[Queue]:
    """Yield the queues in ``OFFLOAD["QUEUES"]`` as rows that are not stored.

    Raise InvalidQueue for an invalid declaration.
    """
    for name, fields in settings().queues.items():
        row = Queue(name=name, is_declared=True, **_read(name, fields))
        try:
            # Only the fields: constraints and unique names would query the database.
            row.clean_fields()
            row.clean()
        except ValidationError as error:
            raise InvalidQueue(name=name, problem=error_text(error)) from error
        yield row


def _read(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    for key in fields:
        if key not in DECLARED_FIELDS:
            raise InvalidQueue(name=name, problem=unknown_key(key, DECLARED_FIELDS))
    found = dict(fields)
    topics, delay = found.get("topics", []), found.get("retry_delay")
    found["topics"] = list(topics) if isinstance(topics, list | tuple) else [topics]
    for one in ("retry_on", "no_retry_on"):
        if isinstance(found.get(one), list | tuple):
            found[one] = [_error_name(error) for error in found[one]]
    if isinstance(found.get("prefers"), list | tuple):
        # As they come back from the database.
        found["prefers"] = [
            list(one) if isinstance(one, tuple) else one for one in found["prefers"]
        ]
    if isinstance(delay, timedelta):
        found["retry_delay"] = delay.total_seconds()
    if isinstance(found.get("rescue_seconds"), timedelta):
        found["rescue_seconds"] = found["rescue_seconds"].total_seconds()
    return found


def _error_name(error: object) -> object:
    """Return the name of a class of exceptions; anything else is left to the checks."""
    return name_of(error) if isinstance(error, type) else error


def difference() -> Difference:
    """Compare the declarations with the tables."""
    wanted = {row.name: row for row in rows()}
    known = {row.name: row for row in Queue.objects.all()}
    ours = {name: row for name, row in known.items() if row.is_declared}
    return Difference(
        missing=tuple(row for name, row in wanted.items() if name not in known),
        changed=tuple(
            _as_declared(ours[name], row)
            for name, row in wanted.items()
            if name in ours and _values(ours[name]) != _values(row)
        ),
        surplus=tuple(row for name, row in ours.items() if name not in wanted),
        clashing=tuple(row for name, row in known.items() if name in wanted and name not in ours),
    )


def _values(row: Queue) -> list[Any]:
    return [getattr(row, field) for field in DECLARED_FIELDS]


def _as_declared(row: Queue, wanted: Queue) -> Queue:
    """Set a row to the declared values; leave its suspension to people."""
    for field in DECLARED_FIELDS:
        setattr(row, field, getattr(wanted, field))
    return row


def sync(*, remove: bool) -> Difference:
    """Make the tables match the declarations; return the former difference.

    ``remove`` deletes queues that are no longer declared. If nothing differs, nothing is written.
    """
    found = difference()
    for row in (*found.missing, *found.changed):
        try:
            policies.save(row)
        except IntegrityError:
            # Another process with the same settings was faster.
            continue
    if remove and found.surplus:
        policies.remove(found.surplus)
    return found


def after_migrate(*, using: str, **_: object) -> None:
    """Make the tables match the declarations after they were created."""
    if using == database.alias() and _has_columns():
        sync(remove=True)


def _has_columns() -> bool:
    """Tell whether the table has all columns; it does not after migrating back."""
    table, look = Queue._meta.db_table, database.connection().introspection
    with database.cursor() as cursor:
        if table not in look.table_names(cursor):
            return False
        columns = look.get_table_description(cursor, table)
    return {one.column for one in Queue._meta.concrete_fields} <= {one.name for one in columns}
