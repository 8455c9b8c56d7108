"""A worker without processes: binds, claims, runs and ends jobs one by one, where a test says.

Plain Celery tasks go through the broker's memory and Celery's own tracing.
"""

from __future__ import annotations

from queue import Empty
from typing import TYPE_CHECKING, Any

from celery.app.task import Context
from celery.app.trace import trace_task

from offload.canvas.freezing import context
from offload.core.attempt_key import AttemptKey
from offload.core.envelopes import BUILTIN_TASKS
from offload.core.placement.lanes import Lane
from offload.core.tokens import new_secret
from offload.jobs import aftermath
from offload.jobs.claims import MessageFacts
from offload.jobs.endings import Ending
from offload.models import Job, Slot
from offload.models.versions import current_version
from offload.results import result_backend
from offload.tracking import claiming
from offload.tracking.binding.bindings import Place, bind
from offload.worker.pool.finish import finish
from offload.worker.pool.outcome import outcome_of
from offload.worker.tasks import builtin_tasks, current_job
from offload.worker.tasks.current_job import CurrentJob
from offload.worker.tasks.task import OffloadTask

if TYPE_CHECKING:
    from celery import Celery

    from offload.core.states import JobState

#: Loaded so that shared tasks know it.
CARRIED = (builtin_tasks.run_map, builtin_tasks.run_errback)
ONE_INSTANCE = ("worker@here", "boot-1")


class Driver:
    """Runs what a test submitted."""

    def __init__(self, app: Celery) -> None:
        """Run tasks of this app."""
        self.app = app

    def waiting(self) -> list[Job]:
        """Return the jobs that only wait for an instance, the first submitted first."""
        return list(
            Job.objects.filter(state="PENDING", hold="", run_at=None, kind="job").order_by(
                "created_at", "id"
            )
        )

    def run_all(self) -> None:
        """Run jobs and plain tasks until nothing is left; delays of retries are over at once."""
        while self.run_next() or self.run_plain() or aftermath.sweep() or self.pass_time():
            pass

    def pass_time(self) -> int:
        """Let the delays of retries be over; return of how many."""
        delayed = Job.objects.filter(state="PENDING", failures__gt=0, run_at__isnull=False)
        return delayed.update(run_at=None)

    def run_next(self) -> Job | None:
        """Run the first job that waits; return it as it was before."""
        jobs = self.waiting()
        if jobs:
            self.run(jobs[0].pk)
        return jobs[0] if jobs else None

    def run(self, job_id: str) -> JobState | None:
        """Run a job to the end of an attempt; return its state then."""
        ending = self.claim(job_id)
        row = Job.objects.get(pk=job_id)
        task = self.task_of(row)
        job = job_of(row, ending)
        root = row.root_id or job_id
        running = context.Running(
            id=job_id,
            epoch=row.epoch,
            root_id=root,
            place=context.place_of(row.options, job.instance),
        )
        token = context.running.set(running)
        task.push_request(
            id=job_id, offload={"id": job_id}, called_directly=False, root_id=root,
            args=row.args, kwargs=row.properties, retries=row.failures, task=task.name,
        )  # fmt: skip
        try:
            with current_job.running(job):
                outcome, _ = outcome_of(
                    lambda: task.run(*row.args, **row.properties), result_backend.encoded
                )
            context.running.reset(token)
            return finish(task, job, ending.facts, outcome).state
        finally:
            task.pop_request()

    def claim(self, job_id: str) -> Ending:
        """Bind and claim a job; return what its end needs."""
        row = Job.objects.get(pk=job_id)
        instance, incarnation = ONE_INSTANCE
        Job.objects.exclude(pk=job_id).filter(state="PENDING", hold="").update(hold="suspect")
        place = Place(
            instance=instance, incarnation=incarnation, window=10_000, version=current_version()
        )
        Slot.objects.get_or_create(instance=instance)
        [bound] = bind(place, [Lane.parse(row.lane)], limit=1)
        Job.objects.filter(state="PENDING", hold="suspect").update(hold="")
        key = AttemptKey.by(new_secret(), job_id=job_id, epoch=bound.epoch)
        claimed = claiming.claim(key)
        assert claimed is not None
        facts = MessageFacts(task=row.task, argsrepr="", kwargsrepr="", worker=instance)
        return Ending(key=key, claimed=claimed, facts=facts)

    def task_of(self, row: Job) -> OffloadTask:
        """Return the task that runs a job: its own, or the consumer of its topic."""
        if row.task in BUILTIN_TASKS:
            builtin_task = self.app.tasks[row.task]
            assert isinstance(builtin_task, OffloadTask)
            return builtin_task
        found = [
            task
            for task in self.app.tasks.values()
            if isinstance(task, OffloadTask) and task.pattern == row.topic
        ]
        return found[0]

    def sent(self) -> list[Any]:
        """Take the messages of plain tasks, and return them."""
        with self.app.connection_for_read() as connection:
            queue = connection.SimpleQueue(self.app.conf.task_default_queue)
            found = [queue.get(block=False) for _ in range(queue.qsize())]
            for message in found:
                message.ack()
            return found

    def request_of(self, message: Any) -> Context:
        """Return the request that a worker makes of a message."""
        return Context(message.headers, **message.payload[2])

    def run_plain(self) -> str | None:
        """Run the next plain task of the broker's queue; return its name."""
        with self.app.connection_for_read() as connection:
            queue = connection.SimpleQueue(self.app.conf.task_default_queue)
            try:
                message = queue.get(block=False)
            except Empty:
                return None
            finally:
                queue.close()
        message.ack()
        args, kwargs, embed = message.payload
        request = {**message.headers, **embed, "delivery_info": {}, "called_directly": False}
        task = self.app.tasks[message.headers["task"]]
        trace_task(task, message.headers["id"], args, kwargs, request=request, app=self.app)
        return str(task.name)


def job_of(row: Job, ending: Ending) -> CurrentJob:
    """Return the job as its consumer gets it."""
    return CurrentJob(
        id=row.pk,
        topic=row.topic,
        epoch=ending.key.epoch,
        attempt=ending.claimed.attempts,
        attempt_key=ending.key,
        instance=row.instance,
        claimed=ending.claimed,
    )
