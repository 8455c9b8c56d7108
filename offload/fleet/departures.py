"""Instances that vanished: they are declared gone, and their jobs move."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef

from offload.conf import settings
from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.core.workflows.run_states import RunState
from offload.fleet import membership
from offload.fleet.duties import Duty
from offload.fleet.giving_back import give_back
from offload.fleet.leadership import leading
from offload.models import Instance, Job, Run, Slot, Switch
from offload.models.fields import DatabaseNow
from offload.models.indexes import BOUND
from offload.models.versions import lock_version, raise_version
from offload.signals import Alarm, AlarmKind, send
from offload.tracking import queries, selectors

if TYPE_CHECKING:
    from django.db.models.expressions import Combinable

    from offload.fleet.leadership import Term

#: Jobs per transaction.
MOVE_BATCH_JOBS = 500
#: Instances that are forgotten in one transaction.
FORGET_BATCH_INSTANCES = 100


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


def forget(term: Term) -> int:
    """Forget instances that are long gone; return how many.

    Not while a job that has not ended, or a run, is bound to them, nor while a person has switched
    them off. Jobs that have ended keep the name.
    """
    after = settings().forget_gone
    if not after:
        return 0
    old = DatabaseNow() - timedelta(seconds=after)
    gone = Instance.objects.filter(mode=Mode.GONE, mode_at__lt=old)
    names = list(gone.filter(~_named()).values_list("pk", flat=True)[:FORGET_BATCH_INSTANCES])
    if not names:
        return 0
    with leading(term):
        lock_version()
        # One that came back meanwhile is not gone.
        found = Instance.objects.filter(pk__in=names, mode=Mode.GONE)
        forgotten = list(found.filter(~_named()).values_list("pk", flat=True))
        found.filter(pk__in=forgotten).delete()
        Slot.objects.filter(pk__in=forgotten).delete()
        raise_version()
    return len(forgotten)


def _named() -> Combinable:
    """Return the condition that a job, a run or a switch refers to an instance."""
    name = OuterRef("pk")
    return (
        Exists(Job.objects.filter(BOUND.q, instance=name))
        | Exists(Run.objects.filter(state=RunState.RUNNING, instance=name))
        | Exists(Switch.objects.filter(pk=name))
    )


#: Declaring an instance gone moves its jobs at once; this duty finds jobs bound meanwhile.
MOVE = Duty(name="move", do=move, every=2.0, needs_term=True, batch=MOVE_BATCH_JOBS)
FORGET = Duty(
    name="forget instances",
    do=forget,
    every=60.0,
    needs_term=True,
    batch=FORGET_BATCH_INSTANCES,
)
