"""The stage of a replay: tables, workers, runs, a broker, and an unreachable backend."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING

from offload.db import database
from offload.fleet import snapshots
from offload.messaging.installation import current_installation
from offload.models import (
    Attempt,
    Exclusion,
    Instance,
    Job,
    Lease,
    PlacementRecord,
    Rule,
    Slot,
    Version,
)
from tests.integration.protocol import mapping
from tests.integration.protocol.stand_ins import ID, NAMES, TASK, Run, Worker

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

    from offload.core.envelopes import Key
    from offload.messaging.breaker import Breaker
    from tests.integration.protocol.schedules import Act
    from tests.unit.protocol.model import World


#: The tables in which a schedule leaves rows.
USED = (Attempt, Exclusion, PlacementRecord, Job, Instance, Slot, Rule, Lease, Version)


@dataclass(slots=True)
class Stage:
    """The stage on which one schedule is replayed."""

    app: Celery
    workers: tuple[Worker, ...] = ()
    #: By the tokens that the model gives them.
    runs: dict[int, Run] = field(default_factory=dict)
    #: How often the job was concluded.
    results: int = 0

    def set_up(self) -> None:
        """Let two workers be there, and a job; and nothing of another schedule."""
        with database.atomic():
            for model in USED:
                database.execute(f"DELETE FROM {model._meta.db_table}")  # noqa: S608
        for breaker in (current_installation.to_broker, current_installation.to_backend):
            breaker.trip(inf)
        snapshots.forget()
        self.workers = tuple(Worker(number) for number in range(len(NAMES)))
        for worker in self.workers:
            worker.boot()
        self.submit()

    def submit(self) -> None:
        """Send the job under its id."""
        self.app.send_task(TASK, task_id=ID)
        self.results = 0

    @property
    def row(self) -> Job:
        """Return the job as it is now."""
        return Job.objects.get(pk=ID)

    def worker(self, act: Act) -> Worker:
        """Return the instance that a step is about."""
        assert act.step.who is not None
        return self.workers[act.step.who]

    def run(self, act: Act) -> Run:
        """Return the run that acts; a delivery that was not claimed has none so far."""
        assert act.step.by is not None
        found = self.runs.get(act.step.by.token)
        return found or Run.of(self.worker(act), act.step.by.epoch)

    def known(self, world: World, worker: Worker) -> frozenset[Key]:
        """Return the bindings that a worker's parent process knows."""
        mine = [one for one in world.attempts if one.known and one.instance == worker.number]
        return frozenset((ID, one.epoch) for one in mine)

    def picture(self, world: World) -> mapping.Picture:
        """Return the content of the tables, to compare with a world."""
        runs = [self.runs[one.token] for one in mapping.writing(world)]
        return mapping.of_tables(self.row, self.workers, runs, results=self.results)


@contextmanager
def refused() -> Iterator[None]:
    """Check that a block changes nothing of the job."""
    before = Job.objects.values().get(), Attempt.objects.count()
    yield
    assert (Job.objects.values().get(), Attempt.objects.count()) == before


@contextmanager
def within_reach(breaker: Breaker) -> Iterator[None]:
    """Let a broker or a backend, which a replay keeps away else, be there for a block."""
    breaker.close()
    try:
        yield
    finally:
        breaker.trip(inf)
