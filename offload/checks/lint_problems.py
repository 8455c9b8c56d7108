"""The lint as a check of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.checks import Warning  # noqa: A004 -- Django's name for it
from django.db import DatabaseError

from offload.checks.offload_settings import readable
from offload.diagnostics import lint

if TYPE_CHECKING:
    from collections.abc import Collection

    from django.core.checks import CheckMessage


def check(*, databases: Collection[str] | None = None, **_: object) -> list[CheckMessage]:
    """Warn of problems of consumers, rules and queues, if their database is checked."""
    settings = readable()
    if settings is None or settings.database not in (databases or ()):
        return []
    try:
        found = lint.problems()
    except DatabaseError:
        # Its tables are not there yet: migrate checks the database first.
        return []
    wrong = [one for one in found if not one.kind.is_note]
    return [Warning(one.fact, one.next_step, id="offload.W013") for one in wrong]
