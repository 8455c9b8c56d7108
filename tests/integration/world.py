"""A small world to test in: instances that joined, jobs at every stage, aged rows."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db.models import F
from django.test.utils import CaptureQueriesContext

from offload.core.attempt_key import AttemptKey
from offload.core.outcomes import ErrorInfo
from offload.core.placement.lanes import Lane
from offload.core.placement.topology import Mode
from offload.core.tokens import new_secret
from offload.db import database
from offload.dispatch.submission import new_id
from offload.fleet import membership
from offload.fleet.giving_back import give_back
from offload.fleet.membership import Announcement
from offload.fleet.snapshots import snapshot
from offload.jobs.claims import MessageFacts
from offload.jobs.endings import Ending
from offload.messaging.publisher import instance_queue
from offload.models import Job
from offload.tracking import claiming, selectors
from offload.tracking.binding.bindings import BoundJob, Place, bind
from offload.tracking.drafts import Draft, insert
from tests.arranging import arrange

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from celery import Celery

    from offload.core.retries import Cause
    from offload.signals import StateChange
    from offload.tracking.claiming import Claimed

TOPIC = "dam/rendition/web"
TASK = "dam.render"
LANE = Lane(topic=TOPIC)
HERE, THERE = "render@gpu1", "render@gpu2"
FACTS = MessageFacts(task=TASK, argsrepr="()", kwargsrepr="{}", worker=HERE)
BROKE = ErrorInfo(type="ValueError", message="no", module="builtins", traceback="Traceback: no")


class Told(NamedTuple):
    """A change of state as receivers of the signal hear of it, without the event."""

    job_id: str
    old: str
    new: str
    epoch: int


def announcement(name: str = HERE, **facts: Any) -> Announcement:
    """Return the announcement of a worker with two processes, in this process."""
    usual: dict[str, Any] = {
        "pid": os.getpid(),
        "consumers": [{"pattern": "dam/**", "task": TASK}],
        "concurrency": 2,
        "can_kill": True,
        "can_limit": True,
    }
    return Announcement(name=name, **{**usual, **facts})


def join(name: str = HERE, *, mode: Mode = Mode.READY, **facts: Any) -> str:
    """Let an instance join and be ready; return its incarnation."""
    incarnation = membership.join(announcement(name, **facts))
    assert incarnation is not None
    membership.set_mode(name, incarnation, mode)
    snapshot(fresh=True)
    return incarnation


def place(name: str = HERE, *, window: int | None = None) -> Place:
    """Return an instance as a place to bind to, under the topology as it is."""
    current = snapshot(fresh=True)
    found = current.topology.instance(name)
    assert found is not None
    return Place(
        instance=name,
        incarnation=found.incarnation,
        window=found.window if window is None else window,
        version=current.version,
    )


def waiting(count: int = 1, **facts: Any) -> list[str]:
    """Store jobs that nobody was offered, and return their ids in order."""
    drafts = [Draft(id=new_id(), **{"topic": TOPIC, **facts}) for _ in range(count)]
    insert(drafts)
    return [draft.id for draft in drafts]


def bound(count: int = 1, *, name: str = HERE, **facts: Any) -> list[BoundJob]:
    """Return jobs bound to an instance."""
    waiting(count, **facts)
    lane = Draft(id="", **{"topic": TOPIC, **facts}).lane
    found = bind(place(name), [lane], limit=count)
    assert len(found) == count
    return found


def key_of(job: BoundJob) -> AttemptKey:
    """Return a new attempt's key."""
    return AttemptKey.by(new_secret(), job_id=job.id, epoch=job.epoch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A job that runs."""

    key: AttemptKey
    claimed: Claimed

    @property
    def id(self) -> str:
        """Return the job's id."""
        return self.key.job_id

    @property
    def row(self) -> Job:
        """Return the job as it is now."""
        return row(self.id)

    @property
    def ending(self) -> Ending:
        """Return the attempt, about to end."""
        return Ending(key=self.key, claimed=self.claimed, facts=FACTS)


def running(name: str = HERE, **facts: Any) -> Running:
    """Return a job that runs on an instance."""
    key = key_of(bound(name=name, **facts)[0])
    claimed = claiming.claim(key)
    assert claimed is not None
    return Running(key=key, claimed=claimed)


def lose(job_id: str, epoch: int, *, cause: Cause, error: str) -> list[StateChange]:
    """End an attempt whose process died; return what changed."""
    return give_back(selectors.process((job_id, epoch)), cause=cause, error=error, crash=True)


def row(job_id: str) -> Job:
    """Return a job as it is now."""
    return Job.objects.get(pk=job_id)


def states(job_ids: Sequence[str]) -> list[str]:
    """Return the states of jobs, in the order of their ids."""
    found = dict(Job.objects.ids(job_ids).values_list("pk", "state"))
    return [found[job_id] for job_id in job_ids]


def celery_state(app: Celery, job_id: str) -> str:
    """Return Celery's state of a job."""
    return str(app.AsyncResult(job_id).state)


def age(job_ids: Sequence[str], column: str, *, seconds: float) -> None:
    """Let a time of jobs be so many seconds longer ago."""
    arrange(Job.objects.ids(job_ids), **{column: F(column) - timedelta(seconds=seconds)})


@contextmanager
def statements() -> Iterator[list[str]]:
    """Collect the statements of the block, transactions included; one text may hold several."""
    found: list[str] = []
    with CaptureQueriesContext(database.connection()) as captured:
        yield found
    sent = [query["sql"] for query in captured.captured_queries]
    found += [statement for text in sent for statement in text.split(";\n")]


class Broker:
    """The broker in memory."""

    def __init__(self, app: Celery) -> None:
        """Look into the broker of this app."""
        self._app = app

    def sent_to(self, name: str = HERE) -> list[dict[str, Any]]:
        """Take what was sent to an instance: our header of each message."""
        found = []
        with self._app.connection_for_read() as connection:
            queue = instance_queue(name)(connection.default_channel)
            queue.declare()
            while message := queue.get(no_ack=True):
                headers: Any = message.headers
                found.append({"task": headers["task"], **headers["offload"]})
        return found

    def clear(self) -> None:
        """Throw away what waits."""
        self.sent_to(HERE)
        self.sent_to(THERE)
