"""What tests of jobs that travel do at either end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core.attempt_key import AttemptKey
from offload.core.tokens import new_secret
from offload.dispatch import dispatching
from offload.jobs import claims
from offload.jobs.claims import MessageFacts
from offload.jobs.endings import Ending
from offload.models import Job
from tests.integration.world import HERE, TASK, waiting

if TYPE_CHECKING:
    from tests.integration.peers.travel.clusters import Cluster, Link


def bind(link: Link, **facts: Any) -> str:
    """Store a job at home and bind it to the peer; return its id."""
    with link.home.here():
        [job_id] = waiting(**facts)
        assert dispatching.sweep() == 1
        return job_id


def claim(link: Link, job_id: str) -> Ending | None:
    """Let the peer's instance begin the clone, if it may."""
    with link.peer.here():
        dispatching.sweep()
        row = Job.objects.get(pk=job_id)
        key = AttemptKey.by(new_secret(), job_id=job_id, epoch=row.epoch)
        facts = MessageFacts(
            task=TASK, argsrepr="()", kwargsrepr="{}", worker=HERE, incarnation=row.incarnation
        )
        claimed = claims.begin(key, facts)
        return None if claimed is None else Ending(key=key, claimed=claimed, facts=facts)


def begin(link: Link, **facts: Any) -> Ending:
    """Let a job of home's run at the peer, which home knows; return what its end needs."""
    job_id = bind(link, **facts)
    link.exchange()
    ending = claim(link, job_id)
    assert ending is not None
    link.exchange()
    assert row_at(link.home).state == "ACTIVE"
    return ending


def row_at(cluster: Cluster) -> Job:
    """Return the job that a cluster got last."""
    with cluster.here():
        return Job.objects.latest("pk")
