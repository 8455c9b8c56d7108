"""Beginning an attempt, with Celery's STARTED if the site tracks it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from offload.results import task_results
from offload.results.result_backend import Result
from offload.tracking import claiming
from offload.tracking.selectors import Holder

if TYPE_CHECKING:
    from offload.core.attempt_key import AttemptKey
    from offload.tracking.claiming import Claimed


@dataclass(frozen=True, slots=True, kw_only=True)
class MessageFacts:
    """The identity of the message that runs."""

    task: str
    argsrepr: str
    kwargsrepr: str
    worker: str
    #: The worker's incarnation; empty without one, such as in a test.
    incarnation: str = ""
    #: Whether Celery's backend should keep no result.
    is_silent: bool = False
    #: Whether the job may run again by itself after a run that was lost.
    reruns: bool = True
    #: Where it then runs, if its consumer says so.
    rescue: str = ""
    #: Celery's context of the run.
    request: Any = None

    def result(self, task_id: str, status: str, **also: object) -> Result:
        """Return a result with these facts."""
        return Result(
            task_id=task_id,
            status=status,
            task=self.task,
            argsrepr=self.argsrepr,
            kwargsrepr=self.kwargsrepr,
            worker=self.worker,
            request=self.request,
            **also,  # type: ignore[arg-type]
        )


def begin(key: AttemptKey, facts: MessageFacts) -> Claimed | None:
    """Claim the job and store STARTED as its result, in one transaction (R2).

    A backend outside the database gets no STARTED: if it came late, it would replace a result.
    Return None if this message is not, or no longer, the one to run.
    """
    holder = Holder(instance=facts.worker, incarnation=facts.incarnation)
    then = None
    if stores_started(facts):
        then = task_results.upsert(started(key, facts), joined=True)
    return claiming.claim(key, holder, then, reruns=facts.reruns, rescue=facts.rescue)


def stores_started(facts: MessageFacts) -> bool:
    """Return whether a claim stores STARTED as its job's result."""
    return not facts.is_silent and task_results.tracks_started() and task_results.in_transaction()


def started(key: AttemptKey, facts: MessageFacts) -> Result:
    """Return that result."""
    return facts.result(key.job_id, "STARTED", value={"hostname": facts.worker})
