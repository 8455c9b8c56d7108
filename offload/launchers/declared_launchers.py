"""Launchers that the settings declare, as opposed to those that people made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from offload.conf import settings
from offload.core.exceptions import InvalidLauncher
from offload.core.nearness import unknown_key
from offload.db import database
from offload.models import Launcher
from offload.models.validation import error_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: The keys of a declaration.
DECLARED_FIELDS = (
    "event", "pattern", "exclude", "include", "size_min", "size_max", "workflow", "parameters",
    "input_name", "takes_outputs",
)  # fmt: skip


def rows() -> Iterator[Launcher]:
    """Yield the launchers in ``OFFLOAD["LAUNCHERS"]`` as rows that are not stored.

    Raise InvalidLauncher for an invalid declaration.
    """
    for name, fields in settings().launchers.items():
        row = Launcher(name=name, is_declared=True, **_read(name, fields))
        try:
            # Only the fields: unique names would query the database.
            row.clean_fields()
            row.clean()
        except ValidationError as error:
            raise InvalidLauncher(name=name, problem=error_text(error)) from error
        yield row


def _read(name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    for key in fields:
        if key not in DECLARED_FIELDS:
            raise InvalidLauncher(name=name, problem=unknown_key(key, DECLARED_FIELDS))
    return {key: list(one) if isinstance(one, tuple) else one for key, one in fields.items()}


def sync(*, remove: bool) -> None:
    """Make the table match the declarations; leave enabling, and launchers of people, alone.

    ``remove`` deletes launchers that are no longer declared.
    """
    if not settings().launchers and not remove:
        return
    wanted = {row.name: row for row in rows()}
    known = {row.name: row for row in Launcher.objects.all()}
    for name, row in wanted.items():
        old = known.get(name)
        if old is None:
            Launcher.objects.bulk_create([row], ignore_conflicts=True)
        elif old.is_declared and _values(old) != _values(row):
            row.pk, row.enabled = old.pk, old.enabled
            row.save()
    if remove:
        Launcher.objects.filter(is_declared=True).exclude(name__in=wanted).delete()


def _values(row: Launcher) -> list[Any]:
    return [getattr(row, field) for field in DECLARED_FIELDS]


def after_migrate(*, using: str, **_: object) -> None:
    """Make the table match the declarations after it was created."""
    if using == database.alias() and _has_table():
        sync(remove=True)


def _has_table() -> bool:
    """Tell whether there is the table; it is not after migrating back."""
    with database.cursor() as cursor:
        return Launcher._meta.db_table in database.connection().introspection.table_names(cursor)
