"""The topology's version: raised by every change of instances, rules, switches and queues."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models.functions import Now
from django.db.models.signals import post_delete, post_save

from offload.models import database
from offload.models.leases import Version
from offload.models.queues import Queue
from offload.models.rules import Rule, Switch

if TYPE_CHECKING:
    from datetime import datetime

TOPOLOGY = "topology"
WATCHED = (Rule, Switch, Queue)


def raise_version(**_: object) -> None:
    """Raise the version, in the surrounding transaction."""
    table = Version._meta.db_table
    database.execute(
        f"INSERT INTO {table} (name, number) VALUES (%s, 1) "
        f"ON CONFLICT (name) DO UPDATE SET number = {table}.number + 1",
        [TOPOLOGY],
    )


def current_version() -> int:
    """Return the version, 0 before the first change."""
    return version_and_time()[0]


def version_and_time() -> tuple[int, datetime | None]:
    """Return the version and the database's time; 0 and None before the first change."""
    found = Version.objects.filter(pk=TOPOLOGY).values_list("number", Now()).first()
    return (int(found[0]), found[1]) if found else (0, None)


def connect() -> None:
    """Raise the version whenever a watched row is saved or deleted through its model."""
    for model in WATCHED:
        for signal in (post_save, post_delete):
            signal.connect(raise_version, sender=model, dispatch_uid="offload.version")
