"""Tasks as Celery knows them: plain ones, and some whose calls are jobs."""

from __future__ import annotations

import time
from typing import Any

from celery import chain, shared_task
from celery.exceptions import SoftTimeLimitExceeded

from offload import OffloadTask, current_job, submit
from tests.acceptance.site import faults
from tests.acceptance.site.journal import note


@shared_task
def add(x: int, y: int) -> int:
    """Add, as a plain task."""
    return x + y


@shared_task(bind=True)
def plain(self: Any, value: Any) -> Any:
    """Write down that a plain task ran."""
    note("plain", self.request.id)
    return value


@shared_task
def plain_sum(values: list[int]) -> int:
    """Add up many, as a plain task."""
    return sum(values)


@shared_task(bind=True)
def plain_again(self: Any, times: int) -> str:
    """Ask Celery to be retried, so often."""
    note("start", self.request.id)
    if self.request.retries < times:
        # Celery sends the next run before it stores that this one is retried: after less time, a
        # busy machine stores that last, over the result.
        raise self.retry(countdown=1)
    return f"retried {self.request.retries} times"


@shared_task(bind=True, soft_time_limit=1)
def plain_nap(self: Any) -> str:
    """Run into a soft time limit, and say so."""
    try:
        time.sleep(60)
    except SoftTimeLimitExceeded:
        return "woken"
    return "rested"


@shared_task(bind=True, base=OffloadTask, topic="acc/add")
def add_job(self: Any, x: int, y: int) -> int:
    """Add, as a job."""
    note("ran", self.request.id)
    return x + y


def here() -> list[Any]:
    """Return the facts about the job that a helper deep below its task can see."""
    job = current_job()
    return [job.id, job.topic, job.attempt, [file.name for file in job.inputs]]


@shared_task(base=OffloadTask, topic="acc/whoami")
def whoami() -> list[Any]:
    """Return which job runs."""
    return here()


@shared_task(base=OffloadTask, topic="acc/submits")
def submits() -> str:
    """Submit a job that is kept with the run of this one; return its id."""
    note("ran", current_job().id)
    return submit("acc/any", together=True).id


@shared_task(base=OffloadTask, topic="acc/sender")
def sender(x: int) -> str:
    """Send two jobs, one after the other, and return the id of the last."""
    return str(chain(add_job.s(x, 1), add_job.s(1)).apply_async().id)


@shared_task(bind=True, base=OffloadTask, topic="acc/total")
def total(self: Any, values: list[int]) -> int:
    """Add up what the header of a chord returned."""
    note("total", self.request.id)
    return sum(values)


@shared_task(bind=True, base=OffloadTask, topic="acc/again")
def again(self: Any, times: int) -> str:
    """Ask to be retried until it was."""
    note("start", self.request.id)
    if self.request.retries < times:
        raise self.retry(countdown=0.2)
    return f"retried {self.request.retries} times"


@shared_task(bind=True, base=OffloadTask, topic="acc/swap")
def swap(self: Any, x: int) -> int:
    """Be replaced by a chain of two jobs."""
    note("start", self.request.id)
    return self.replace(add_job.s(x, 1) | add_job.s(10))  # type: ignore[no-any-return]


@shared_task(bind=True, base=OffloadTask, topic="acc/boom")
def boom(self: Any) -> None:
    """Fail for good."""
    note("start", self.request.id)
    raise ValueError("boom")


@shared_task(bind=True, base=OffloadTask, topic="acc/nap")
def nap(self: Any, seconds: float) -> str:
    """Sleep in one go."""
    note("start", self.request.id)
    time.sleep(seconds)
    note("end", self.request.id)
    return "rested"


@shared_task(bind=True, base=OffloadTask, topic="acc/doomed")
def doomed(self: Any, x: int, y: int) -> int:
    """Add; the process dies right after the commit that makes this final, before its hooks."""
    note("doomed", self.request.id)
    faults.die_after_the_finish()
    return x + y


def said_of_the_call(request: Any) -> dict[str, Any]:
    """Return the facts about its call that a task can see."""
    return {
        "priority": request.delivery_info["priority"],
        "app": request.properties.get("app_id"),
        "eta": request.eta,
        "silent": request.ignore_result,
        "stamp": (request.stamps or {}).get("tenant"),
        "header": request.get("x_tenant"),
        "limit": request.time_limit,
        "args": request.argsrepr,
    }


@shared_task(bind=True)
def plain_call(self: Any, _: Any) -> dict[str, Any]:
    """Return the facts about its call that a plain task can see."""
    return said_of_the_call(self.request)


@shared_task(bind=True, base=OffloadTask, topic="acc/call")
def job_call(self: Any, _: Any) -> dict[str, Any]:
    """Return the facts about its call that a job can see."""
    return said_of_the_call(self.request)


@shared_task(bind=True)
def plain_call_again(self: Any, _: Any) -> dict[str, Any]:
    """Return the facts about its call that a plain task can see at the second attempt."""
    if not self.request.retries:
        raise self.retry(countdown=0.1)
    return said_of_the_call(self.request)


@shared_task(bind=True, base=OffloadTask, topic="acc/call_again")
def job_call_again(self: Any, _: Any) -> dict[str, Any]:
    """Return the facts about its call that a job can see at the second attempt."""
    if not self.request.retries:
        raise self.retry(countdown=0.1)
    return said_of_the_call(self.request)


@shared_task(base=OffloadTask, topic="acc/quiet", ignore_result=True)
def quiet() -> int:
    """Return a value that nobody keeps."""
    return 1


@shared_task
def plain_boom() -> None:
    """Fail for good, as a plain task."""
    raise ValueError("boom")


@shared_task(base=OffloadTask, topic="acc/boom/quietly")
def job_boom() -> None:
    """Fail for good, as a job."""
    raise ValueError("boom")


@shared_task(bind=True, base=OffloadTask, topic="acc/again/slowly")
def slow_again(self: Any) -> str:
    """Ask to be retried once, in a while, with the reason."""
    if not self.request.retries:
        raise self.retry(exc=ValueError("not yet"), countdown=3)
    return "well"
