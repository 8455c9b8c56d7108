"""Switches of instances: off as a whole, drained, and on again; each acts at once.

Unstarted jobs are taken back in the same transaction; running ones finish, unless a drain gives
them back after a while.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.moments import utc
from offload.db import database
from offload.db.conflicts import retried
from offload.models import Instance, Switch
from offload.models.fields import DatabaseNow
from offload.rules.enforcement import enforce
from offload.rules.validation import check, check_end, check_texts

if TYPE_CHECKING:
    from datetime import datetime


@retried
def switch(instance: str, *, off: bool, **fields: Any) -> int:
    """Switch an instance off or on as a whole; return how many jobs were taken back.

    Off takes ``drains`` (whether it is to become empty), ``until`` and ``give_back_at`` (datetimes,
    or None for never), ``note`` and ``by`` (texts). One that is off keeps its note, and the time
    since when it is off, unless it is drained now and was not before. Raise UnknownInstance if no
    worker of that name ever announced itself, InvalidRule for an invalid note or a time that has
    passed.
    """
    check_texts(instance, instance)
    Instance.objects.named(instance)
    with database.atomic():
        if off:
            _write(instance, **fields)
        else:
            Switch.objects.filter(pk=instance).delete()
        return enforce()


def _write(
    instance: str,
    *,
    note: str | None = None,
    drains: bool = False,
    until: datetime | None = None,
    give_back_at: datetime | None = None,
    by: str = "",
) -> None:
    check_end(until, instance)
    times = {"until": until and utc(until), "give_back_at": give_back_at and utc(give_back_at)}
    facts: dict[str, Any] = {"drains": drains, "by": by, **times}
    if note is not None:
        facts["note"] = note
    check(Switch(instance=instance, **facts), instance)
    before = Switch.objects.filter(pk=instance).first()
    if before is not None and before.drains != drains:
        facts["since"] = DatabaseNow()
    Switch.objects.update_or_create(pk=instance, defaults=facts)
