"""Duties about jobs that travel: what silent peers hold, and what must not begin or go on there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.peers.peer_switches import PeerSwitch
from offload.core.placement.judgement import Need
from offload.core.placement.reasons import Obstacle
from offload.core.placement.routing import plan
from offload.core.retries import Cause
from offload.fleet.duties import Duty
from offload.fleet.giving_back import give_back
from offload.fleet.leadership import leading
from offload.fleet.snapshots import now, snapshot
from offload.jobs import stopping
from offload.models import Job, Peer
from offload.peers.hearing import locked
from offload.peers.sending import LIMITS
from offload.peers.travel.options import LIMITED_OPTION
from offload.tracking import requeue, selectors
from offload.tracking.peers import clones, elsewhere, withdrawals

if TYPE_CHECKING:
    from offload.fleet.leadership import Term

#: Jobs per transaction, and closed bindings that are deleted at once.
BATCH_JOBS, BATCH_CLOSED = 500, 5_000
#: The obstacles that keep new jobs from a peer, and not what is there if moving is switched off.
SWITCHED_OFF = frozenset({Obstacle.SEND_OFF, Obstacle.NOT_ACCEPTING})


def move(term: Term) -> int:
    """Give back the jobs that silent peers hold, however they came there (P8); return how many.

    They are withdrawn in the same transaction (P9). If moving away from a peer is switched off, its
    jobs stay there, except those that are to be stopped.
    """
    silent = Peer.objects.filter(silent_since__isnull=False).values_list("pk", flat=True)
    return sum(_move(term, name) for name in silent)


def _move(term: Term, name: str) -> int:
    stays = snapshot().switches.off(PeerSwitch.MOVE, name) is not None
    ids = elsewhere.held(name, BATCH_JOBS, only_stopping=stays)
    if not ids:
        return 0
    with leading(term):
        # Whoever counts it as present again locks its row too.
        if locked(name, "").silent_since is None:
            return 0
        there = elsewhere.at_peer(name, ids)
        withdrawals.withdraw(there, stops_runs=True)
        give_back(there, cause=Cause.LEASE_EXPIRED, error=f"nothing is heard of {name}")
    return len(ids)


def recall(term: Term) -> int:
    """Withdraw what waits at peers and expired, or what the rules here deny now; return how many.

    It comes back by the peer's report: it may have begun already (P7).
    """
    expired = elsewhere.overdue(BATCH_JOBS)
    denied = [one for one in elsewhere.topics_waiting() if not _may(*one)]
    if expired or denied:
        with leading(term):
            if expired:
                withdrawals.withdraw(selectors.these(expired), stops_runs=False)
            for instance, topic in denied:
                requeue.recall_from(instance, [topic], cause=Cause.REFUSED)
    return len(expired)


def _may(instance: str, topic: str) -> bool:
    """Return whether rules and settings let a topic wait there; a silent peer is moved from."""
    found = snapshot().topology.instance(instance)
    if found is None or found.is_silent:
        return True
    planned = plan(Need(topic=topic), snapshot().topology, now())
    [reason] = [one.reason for one in planned.verdicts if one.instance == instance] or [None]
    return reason is None or (found.stays and reason.obstacle in SWITCHED_OFF)


def end_unleased() -> int:
    """End runs of limited queues of homes whose lease is over (P8); return how many."""
    running = Job.objects.running().filter(home__isnull=False, stop_forced=False)
    over = {
        name
        for name, until in Peer.objects.values_list("pk", "lease_until")
        if until is None or until <= now()
    }
    ids = [
        job.pk
        for job in running.filter(home__in=over).only("pk", "options")
        if job.options.get(LIMITED_OPTION)
    ]
    if ids:
        stopping.stop_jobs(ids, force=True)
    return len(ids)


def forget() -> int:
    """Forget closed bindings of which no envelope could be accepted any more (P5)."""
    return clones.forget_closed(LIMITS.memory_seconds, BATCH_CLOSED)


MOVE = Duty(name="move from silent peers", do=move, every=1.0, needs_term=True, batch=BATCH_JOBS)
RECALL = Duty(name="recall from peers", do=recall, every=1.0, needs_term=True, batch=BATCH_JOBS)
#: It needs no term: a stop that is requested twice is one.
END = Duty(name="end what has no lease", do=end_unleased, every=1.0)
FORGET = Duty(name="forget closed bindings", do=forget, every=60.0, batch=BATCH_CLOSED)
