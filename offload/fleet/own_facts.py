"""Facts that instances announce beside their mode: load, properties, remedies of a trouble."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from offload.db import database
from offload.db.conflicts import retried
from offload.models import Instance
from offload.models.instances import INCARNATION
from offload.models.versions import lock_version, raise_version

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from offload.core.discovery.properties import Scalar

INSTANCE = Instance._meta.db_table
#: Characters of the longest text about what was done that is kept whole.
REMEDY_MAX = 255


def report(name: str, incarnation: str, *, load: Mapping[str, Any]) -> None:
    """Announce held and running jobs, and the state of the worker's loop and broker connection."""
    database.execute(
        f"UPDATE {INSTANCE} SET load = %(load)s WHERE {INCARNATION}",
        {"load": json.dumps(load), "name": name, "incarnation": incarnation},
    )


@retried
def set_properties(
    name: str,
    incarnation: str,
    properties: Mapping[str, Scalar],
    *,
    pending: Collection[str] = (),
) -> None:
    """Announce properties if they differ; those that are pending stay as they were announced."""
    mine = Instance.objects.incarnation(name, incarnation).live()
    with database.atomic():
        lock_version()
        before = mine.values_list("facts", flat=True).first()
        if before is None:
            return
        after = {**{one: before[one] for one in pending if one in before}, **properties}
        if after != before:
            mine.update(facts=after)
            raise_version()


@retried
def note_remedy(name: str, incarnation: str, remedy: str) -> None:
    """Announce the remedy of an instance's trouble, as sentences."""
    mine = Instance.objects.incarnation(name, incarnation).live().exclude(trouble="")
    with database.atomic():
        lock_version()
        if mine.exclude(remedy=remedy).update(remedy=remedy[:REMEDY_MAX]):
            raise_version()
