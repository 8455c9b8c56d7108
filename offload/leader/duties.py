"""The leader's duties: small queries over rows, repeated at every sweep."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from offload.canvas import relays
from offload.conf import settings
from offload.core.retries import Cause
from offload.dispatch import dispatching
from offload.fleet import membership
from offload.fleet.each import each
from offload.fleet.leadership import Term, leading
from offload.jobs import aftermath, async_completion
from offload.leader import retention
from offload.queues import policies
from offload.results.giving_back import give_back
from offload.signals import alarm
from offload.tracking import queries, requeue, selectors, terminations

if TYPE_CHECKING:
    from offload.core.placement.lanes import Lane

Duty: TypeAlias = Callable[[Term], object]


def bury(term: Term, name: str, incarnation: str, beat: int) -> None:
    """Declare an instance gone whose beat stood still, and move its jobs."""
    with leading(term):
        reason = f"no beat for {settings().timeout:g} s"
        membership.declare_gone(name, incarnation, beat=beat, reason=reason)


def doubt() -> None:
    """Tell operators that most of a fleet fell silent at once."""
    alarm.send_robust(
        sender=None,
        fact="most instances stopped beating at once; none is declared gone yet",
        next_step="look at the database and the network before the next timeout",
    )


def move(term: Term) -> None:
    """Move jobs bound to incarnations that do not live, however they came to be there (E4)."""
    ids = queries.strays()
    if not ids:
        return
    with leading(term):
        gone = "its instance is gone"
        give_back(selectors.stray(ids), cause=Cause.LOST, error=gone, crash=True)


def bind(_: Term) -> None:
    """Bind what is due and waits, to whoever can run it; the bindings are fenced themselves."""
    requeue.release_due()
    dispatching.sweep()


def expire(term: Term) -> None:
    """End jobs that were not begun in their time."""
    if terminations.is_any_late():
        with leading(term):
            terminations.expire()


def time_out(_: Term) -> None:
    """End attempts that were handed over for longer than their time; each end is fenced."""
    async_completion.time_out()


def recall(term: Term) -> None:
    """Take back jobs bound too long without being begun while another instance has room."""
    each(queries.late_beside_room(settings().recall), lambda late: _hand_on(term, *late))


def _hand_on(term: Term, job_id: str, epoch: int, lane: Lane, instance: str) -> None:
    if dispatching.has_room_elsewhere(lane, instance):
        with leading(term):
            requeue.hand_on(job_id, epoch, reason="not begun in time; another has room")


def limit(term: Term) -> None:
    """Take back what is bound beyond the limits of queues."""
    # A transaction each: two queues are never locked together.
    each(policies.exceeded(), lambda name: _enforce(term, name))


def _enforce(term: Term, name: str) -> None:
    with leading(term):
        policies.enforce(name)


def conclude(_: Term) -> None:
    """Do what is due after ends; a compare-and-set per job lets one do it."""
    aftermath.sweep()


def relay(_: Term) -> None:
    """Publish plain tasks that were stored and not sent, and close those that ended."""
    relays.sweep()


def purge(_: Term) -> None:
    """Delete history that its queue keeps no longer."""
    retention.purge()


DUTIES: dict[str, Duty] = {
    "move": move,
    "bind": bind,
    "expire": expire,
    "time_out": time_out,
    "recall": recall,
    "limit": limit,
    "conclude": conclude,
    "relay": relay,
    "purge": purge,
}
