"""The form that switches an instance off or on, or drains it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidRule
from offload.core.moments import UNIT_SECONDS
from offload.core.validation.bounds import DELAY
from offload.fleet.snapshots import now
from offload.operations.changes.switches import DrainInstance, SwitchOff, SwitchOn

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

#: The refusal of a number of minutes.
NO_MINUTES = "Write minutes as a number, such as 30, at most 5256000; or leave it empty."


def asked(form: Mapping[str, str], name: str) -> Change[Outcome]:
    """Return the change of the pressed button; raise InvalidRule for minutes that are none."""
    verb, note = form.get("switch"), form.get("note") or None
    if verb == "drain":
        return DrainInstance(
            instance=name, note=note, until=_end(form, name), grace=_span(form, "grace", name)
        )
    if verb == "off":
        return SwitchOff(instance=name, note=note, until=_end(form, name))
    return SwitchOn(instance=name)


def _end(form: Mapping[str, str], name: str) -> datetime | None:
    span = _span(form, "for", name)
    return None if span is None else now() + span


def _span(form: Mapping[str, str], field: str, name: str) -> timedelta | None:
    text = form.get(field, "").strip()
    if not text:
        return None
    try:
        seconds = float(text) * UNIT_SECONDS["m"]
    except ValueError:
        seconds = -1.0
    if seconds not in DELAY:
        raise InvalidRule(target=name, problem=NO_MINUTES)
    return timedelta(seconds=seconds)
