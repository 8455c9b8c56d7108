"""Resources that the settings declare; what a person changed of one is theirs, and stays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.db import IntegrityError

from offload.conf import settings
from offload.core.exceptions import InvalidResource
from offload.core.nearness import unknown_key
from offload.db import database
from offload.models import Resource
from offload.models.validation import error_text
from offload.queues import resources
from offload.queues.resources import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceDifference:
    """The difference between the declared resources and the tables."""

    #: Declared, but missing; or with other values, as declared.
    changed: tuple[Resource, ...] = ()
    #: Present, but no longer declared.
    surplus: tuple[str, ...] = ()
    #: Declared, but changed by a person, whose values hold.
    clashing: tuple[str, ...] = ()


def rows() -> Iterator[Resource]:
    """Yield the resources in ``OFFLOAD["RESOURCES"]`` as rows that are not stored.

    Raise InvalidResource for an invalid declaration.
    """
    for name, fields in settings().resources.items():
        for key in fields:
            if key not in FIELDS:
                raise InvalidResource(name=name, problem=unknown_key(key, FIELDS))
        row = Resource(name=name, is_declared=True, **fields)
        try:
            # Only the fields: the unique name would query the database.
            row.clean_fields()
        except ValidationError as error:
            problem = error_text(error).rstrip(".")
            raise InvalidResource(name=name, problem=problem) from error
        yield row


def difference() -> ResourceDifference:
    """Compare the declarations with the tables."""
    wanted = {row.name: row for row in rows()}
    known = {row.name: row for row in Resource.objects.all()}
    ours = {name: row for name, row in known.items() if row.is_declared}
    return ResourceDifference(
        changed=tuple(
            _as_declared(known.get(name), row)
            for name, row in wanted.items()
            if name not in known or (name in ours and _values(ours[name]) != _values(row))
        ),
        surplus=tuple(name for name in ours if name not in wanted),
        clashing=tuple(name for name in wanted if name in known and name not in ours),
    )


def _values(row: Resource) -> list[object]:
    return [getattr(row, field) for field in FIELDS]


def _as_declared(row: Resource | None, wanted: Resource) -> Resource:
    """Set a row to the declared values; leave its reports and its cooling as they are."""
    if row is None:
        return wanted
    for field in FIELDS:
        setattr(row, field, getattr(wanted, field))
    return row


def sync(*, remove: bool) -> ResourceDifference:
    """Make the tables match the declarations; return the former difference.

    ``remove`` deletes resources that are no longer declared. If nothing differs, nothing is
    written.
    """
    found = difference()
    for row in found.changed:
        try:
            resources.save(row)
        except IntegrityError:
            # Another process with the same settings was faster.
            continue
    if remove and found.surplus:
        resources.remove(found.surplus)
    return found


def after_migrate(*, using: str, **_: object) -> None:
    """Make the tables match the declarations after they were created."""
    if using == database.alias() and has_columns():
        sync(remove=True)


def has_columns() -> bool:
    """Tell whether the table has all columns; it does not after migrating back."""
    table, look = Resource._meta.db_table, database.connection().introspection
    with database.cursor() as cursor:
        if table not in look.table_names(cursor):
            return False
        columns = look.get_table_description(cursor, table)
    return {one.column for one in Resource._meta.concrete_fields} <= {one.name for one in columns}
