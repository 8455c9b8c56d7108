"""Steps of tests of runs that go whole: what home and the peer do with one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.dispatch import dispatching
from offload.jobs import aftermath, endings
from offload.models import Job, Run
from offload.peers.travel import hosted_runs
from offload.workflows import start
from tests.integration.peers.travel.acting import claim
from tests.integration.world import TASK

if TYPE_CHECKING:
    from offload.jobs.endings import Ending
    from tests.integration.peers.travel.clusters import Link

CONSUMERS = [
    {"pattern": "dam/**", "task": TASK},
    {"pattern": "offload/run", "task": "offload.run", "takes": "order"},
]
NAME = "dam/whole"


def begun(link: Link, **given: Any) -> str:
    """Start a run whole, which begins at the peer; return its id at home."""
    with link.home.here():
        run = start(NAME, placement="peer", **given)
        dispatching.sweep()
    link.exchange()
    arrive(link, run.id)
    link.exchange()
    return run.id


def arrive(link: Link, run_id: str) -> None:
    """Let the clone of a run be claimed at the peer, and begin the run there."""
    ending = claim(link, placeholder(link, run_id).pk)
    assert ending is not None
    with link.peer.here():
        hosted_runs.begin(ending.key, ending.claimed.properties["order"])


def placeholder(link: Link, run_id: str) -> Job:
    """Return the one job of a run at home."""
    with link.home.here():
        return Job.objects.get(run=run_id)


def there(link: Link) -> Run:
    """Return the last run at the peer."""
    with link.peer.here():
        return Run.objects.latest("created_at")


def open_steps(link: Link) -> list[str]:
    """Return the jobs of the run at the peer that have not ended."""
    with link.peer.here():
        jobs = Job.objects.filter(run=there(link)).unfinished().order_by("pk")
        return list(jobs.values_list("pk", flat=True))


def began(link: Link, job_id: str) -> Ending:
    """Let a step begin."""
    ending = claim(link, job_id)
    assert ending is not None
    return ending


def do(link: Link, value: Any = None) -> None:
    """Let all steps that are open at the peer succeed."""
    for job_id in open_steps(link):
        ending = began(link, job_id)
        with link.peer.here():
            endings.succeed(ending, value or job_id)


def settle(link: Link) -> None:
    """Let both sides say all, and home conclude."""
    link.exchange()
    with link.home.here():
        aftermath.sweep()
    link.exchange()
