"""Queues that the settings declare: made and changed as they say, told from those people made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from offload.conf import settings
from offload.core.exceptions import InvalidQueue
from offload.db import database
from offload.models import Queue
from offload.models.refusals import told
from offload.queues import policies

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: What a queue is declared with.
DECLARED_FIELDS = (
    "topics", "type", "max_parallel", "retries", "retry_delay", "backoff", "retention_days",
    "ranking",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The queues that the settings declare, compared with those in the tables."""

    #: Declared, and not there.
    missing: tuple[Queue, ...] = ()
    #: Declared otherwise than it is; with the values it is to have.
    changed: tuple[Queue, ...] = ()
    #: There, and declared no longer.
    surplus: tuple[Queue, ...] = ()
    #: Declared, and made by people under the same name: theirs holds.
    clashing: tuple[Queue, ...] = ()


def rows() -> Iterator[Queue]:
    """Yield what ``OFFLOAD["QUEUES"]`` declares, as rows that are not stored.

    Raise InvalidQueue for one that cannot be so.
    """
    for name, fields in settings().queues.items():
        row = Queue(name=name, is_declared=True, **_read(name, fields))
        try:
            # No more: constraints and unique names are questions to the database.
            row.clean_fields()
            row.clean()
        except ValidationError as error:
            raise InvalidQueue(name=name, problem=told(error)) from error
        yield row


def _read(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    for key in fields:
        if key not in DECLARED_FIELDS:
            near = get_close_matches(str(key), DECLARED_FIELDS, n=1)
            hint = (
                f"did you mean {near[0]!r}?" if near else f"there are {', '.join(DECLARED_FIELDS)}."
            )
            raise InvalidQueue(name=name, problem=f"it has no {key!r:.60}; {hint}")
    found = dict(fields)
    topics, delay = found.get("topics", []), found.get("retry_delay")
    found["topics"] = list(topics) if isinstance(topics, list | tuple) else [topics]
    if isinstance(delay, timedelta):
        found["retry_delay"] = delay.total_seconds()
    return found


def difference() -> Difference:
    """Compare what is declared with the tables."""
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
    """Let a row have the declared values; whether it is suspended stays as people said."""
    for field in DECLARED_FIELDS:
        setattr(row, field, getattr(wanted, field))
    return row


def sync(*, remove: bool) -> Difference:
    """Make the tables say what is declared, and return what they said before.

    ``remove`` removes what is declared no longer. Where nothing differs, nothing is written.
    """
    found = difference()
    for row in (*found.missing, *found.changed):
        try:
            policies.save(row)
        except IntegrityError:
            # Another process that began with the same settings was faster.
            continue
    if remove and found.surplus:
        policies.remove(found.surplus)
    return found


def after_migrate(*, using: str, **_: object) -> None:
    """Make the tables say what is declared, once they are there."""
    if using == database.alias() and _has_column():
        sync(remove=True)


def _has_column() -> bool:
    """Tell whether the table is as this code knows it; one may migrate back."""
    table, look = Queue._meta.db_table, database.connection().introspection
    with database.cursor() as cursor:
        if table not in look.table_names(cursor):
            return False
        columns = look.get_table_description(cursor, table)
    return {"is_declared", "note"} <= {column.name for column in columns}
