"""Binding jobs that use resources, under the locks of their rows (B6c).

These locks come first, in the order of their names; then that of the queue, then that of the slot.
So two binders never wait for each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.admission.resources import fewest
from offload.tracking.binding import resource_use
from offload.tracking.binding.queue_locks import in_time

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from offload.core.admission.resources import ResourceUse
    from offload.core.matching.amounts import Amounts
    from offload.tracking.binding.bindings import BoundJob, Place


def bind_using(
    place: Place,
    host: str,
    amounts: Amounts,
    now: datetime,
    bind: Callable[[int], list[BoundJob]],
) -> list[BoundJob]:
    """Bind jobs that use these amounts each, as many as ``bind`` finds of those that may begin.

    ``bind`` is given how many that are at most. Nothing is bound while a resource is locked by
    another for long.
    """

    def act() -> list[BoundJob]:
        most = room_in(resource_use.locked(amounts.names), amounts, host, now)
        bound = bind(place.window if most is None else min(most, place.window)) if most != 0 else []
        if bound:
            resource_use.note(bound, amounts, host)
        return bound

    return in_time(act)


def room_in(
    uses: Mapping[str, ResourceUse], amounts: Amounts, host: str, now: datetime
) -> int | None:
    """Return how many more jobs may be bound; None for any number.

    A resource that nobody has defined has room for none.
    """
    return fewest(
        uses[name].room(amount, host, now) if name in uses else 0 for name, amount in amounts.pairs
    )
