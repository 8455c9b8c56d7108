"""Facts that instances announce and no decision needs: JSON that may be anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.models import Instance

if TYPE_CHECKING:
    from collections.abc import Mapping


def failing_duties(leader: str) -> Mapping[str, Any]:
    """Return the errors of a leader's failing duties, by the name of the duty."""
    loads = Instance.objects.filter(pk=leader).values_list("load", flat=True)
    found = next((load.get("failing") for load in loads if isinstance(load, dict)), None)
    return found if isinstance(found, dict) else {}


def dropped_messages() -> Mapping[str, int]:
    """Return by instance how many messages it dropped that no job was ever sent as."""
    rows = Instance.objects.live().order_by("name").values_list("pk", "load")
    counts = ((name, load.get("malformed")) for name, load in rows if isinstance(load, dict))
    return {name: count for name, count in counts if count}
