"""The topology's version: raised by every change of instances, rules, switches and queues."""

from __future__ import annotations

from django.db.models.signals import post_delete, post_save

from offload.models import database
from offload.models.leases import Version
from offload.models.queues import Queue
from offload.models.rules import Rule, Switch

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
    found = Version.objects.filter(pk=TOPOLOGY).values_list("number", flat=True).first()
    return int(found or 0)


def connect() -> None:
    """Raise the version whenever a watched row is saved or deleted through its model."""
    for model in WATCHED:
        for signal in (post_save, post_delete):
            signal.connect(raise_version, sender=model, dispatch_uid="offload.version")
