"""Instances that vanished: they are declared gone, and their jobs move."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.retries import Cause
from offload.fleet import membership
from offload.fleet.duties import Duty
from offload.fleet.giving_back import give_back
from offload.fleet.leadership import leading
from offload.signals import Alarm, AlarmKind, send
from offload.tracking import queries, selectors

if TYPE_CHECKING:
    from offload.fleet.leadership import Term

#: Jobs per transaction.
MOVE_BATCH_JOBS = 500


def declare_gone(term: Term, name: str, incarnation: str, beat: int) -> None:
    """Declare an instance without heartbeats gone, and move its jobs."""
    with leading(term):
        reason = f"no beat for {settings().timeout:g} s"
        membership.declare_gone(name, incarnation, beat=beat, reason=reason)


def doubt() -> None:
    """Warn operators that most of the fleet fell silent at once."""
    send(
        Alarm(
            "most instances stopped beating at once; none is declared gone yet",
            "look at the database and the network before the next timeout",
            AlarmKind.FLEET_SILENT,
        )
    )


def move(term: Term) -> int:
    """Move jobs that are bound to gone incarnations, however that happened (E4)."""
    ids = queries.orphans(MOVE_BATCH_JOBS)
    if ids:
        with leading(term):
            gone = "its instance is gone"
            give_back(selectors.orphaned(ids), cause=Cause.LOST, error=gone, crash=True)
    return len(ids)


#: Declaring an instance gone moves its jobs at once; this duty finds jobs bound meanwhile.
MOVE = Duty(name="move", do=move, every=2.0, needs_term=True, batch=MOVE_BATCH_JOBS)
