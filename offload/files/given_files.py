"""The files that a job is given: those that came with it, and those that steps made for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.models import PayloadFile

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from offload.models.payloads import PayloadFileQuerySet


def names_made(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the files that earlier steps make for a job with these options."""
    return tuple(options.get("step_inputs", ()))


def given_files(payload_id: str | None, made: Collection[str] = ()) -> list[PayloadFile]:
    """Return the files of a job with this payload; of those ``made`` for it, the latest by name."""
    came = list(_of(payload_id).inputs())
    return [*came, *latest(payload_id, made)] if made else came


def latest(payload_id: str | None, made: Collection[str]) -> list[PayloadFile]:
    """Return the latest files of these names that jobs of a payload have made."""
    found = _of(payload_id).outputs().filter(name__in=made).order_by("job__created_at")
    return list({row.name: row for row in found}.values())


def _of(payload_id: str | None) -> PayloadFileQuerySet:
    return PayloadFile.objects.filter(payload=payload_id).select_related("payload")
