"""Celery tasks that are jobs."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from celery._state import _task_stack  # type: ignore[attr-defined]
from celery.contrib.django.task import DjangoTask

from offload.core.envelopes import BUILTIN_TASKS, HEADER
from offload.core.exceptions import InvalidConsumer, OffloadError
from offload.core.lazy import load
from offload.core.matching.amounts import Amounts
from offload.core.matching.escalation import Escalation
from offload.core.matching.job_slots import Slots
from offload.core.matching.preferences import Preferences
from offload.core.matching.requirements import Requirements
from offload.core.matching.rescue import Rescue
from offload.core.matching.retried_errors import names_of
from offload.core.topics import validate_topic
from offload.core.validation.options import check_limits, check_ranking
from offload.core.validation.parameters import Parameters
from offload.messaging.installation import celery_app, installed
from offload.messaging.names import TOPIC_OPTION
from offload.worker.tasks.attempts import ReplacedBy, attempt_of
from offload.worker.tasks.calling import (
    NO_TOPIC,
    call,
    check_function,
    function_of,
)
from offload.worker.tasks.hooks import take_part
from offload.worker.tracer import Traced

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from celery import Celery
    from celery.canvas import Signature

IS_HOOKED = "offload.canvas.hooks:is_hooked"
EXECUTE = "offload.worker.pool.execution:execute"


class OffloadTask(DjangoTask):  # type: ignore[type-arg]
    """The base class of Celery tasks whose every call is a job.

    Write ``@shared_task(base=OffloadTask, topic="billing/invoice")``; all else is as in Celery.
    """

    abstract = True
    Request = "offload.worker.parent.request:JobRequest"
    #: The topic under which calls of this task are jobs.
    topic: str = ""
    #: The announced pattern, which may be the topic itself.
    pattern: str = ""
    #: Of consumers with equal patterns, the highest wins.
    ranking: int = 0
    #: Requirements of an instance for each of its jobs, as in ``submit``.
    requires: Mapping[str, Any] = MappingProxyType({})
    #: Preferences among instances for each of its jobs, as in ``submit``.
    prefers: Sequence[Sequence[Any]] = ()
    #: Factors of what is required, after a failure for want of memory or time.
    retry_with: Mapping[str, Any] = MappingProxyType({})
    #: The amounts of resources that each of its jobs uses, as in ``submit``.
    resources: Mapping[str, int] = MappingProxyType({})
    #: The places of its instance that each of its jobs takes, as in ``submit``.
    slots: int | str | Mapping[str, float] = 1
    #: Number of arguments before the caller's.
    given: int = 0
    #: Whether failures are retried by the queue's policy, rather than as in Celery.
    retried_by_queue: bool = False
    #: Errors that are retried, and those that are not, where its queue decides on retries.
    retry_on: Sequence[str] = ()
    no_retry_on: Sequence[str] = ()
    #: Whether a run that was lost is repeated without a person.
    rerun: bool = True
    #: Where it is repeated, a `Rescue`; empty leaves that to its queue.
    rescue: str = ""
    #: R2: Celery writes nothing for a job; the claim writes STARTED, the end writes the result.
    track_started = False
    store_errors_even_if_ignored = False
    #: A message is only a hint; the row does what late acknowledgements are for.
    acks_late = False
    reject_on_worker_lost = False
    __trace__ = Traced()

    @classmethod
    def on_bound(cls, app: Celery) -> None:
        """Check the topic when the task is bound to its app."""
        try:
            cls._check_declaration(app)
        except OffloadError as error:
            # A shared task is bound long after its declaration, which the traceback does not show.
            error.add_note(f"Correct it where the task {cls.name} is declared.")
            raise
        cls.pattern = cls.pattern or cls.topic
        if not cls.pattern and cls.name not in BUILTIN_TASKS:
            raise InvalidConsumer(name=cls.name, problem=NO_TOPIC)
        check_function(cls.run, cls.name)
        take_part(cls)
        super().on_bound(app)

    @classmethod
    def _check_declaration(cls, app: Celery) -> None:
        if cls.topic:
            cls.topic = validate_topic(cls.topic)
        check_ranking(cls.ranking)
        Preferences.of(cls.prefers, beside=Requirements.of(cls.requires))
        Escalation.of(cls.retry_with)
        Amounts.of(cls.resources)
        Slots.of(cls.slots)
        cls.rescue = Rescue.checked(cls.rescue)
        cls.retry_on, cls.no_retry_on = names_of(cls.retry_on), names_of(cls.no_retry_on)
        # Limits of the whole app are checked elsewhere.
        own = cls.time_limit, cls.soft_time_limit
        if own != (app.conf.task_time_limit, app.conf.task_soft_time_limit):
            check_limits(*own)

    # Users' arguments may have any name, so these methods name none of their own.

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        """Run a claimed job as its attempt, and anything else as Celery does."""
        attempt = attempt_of(self)
        if attempt is None or attempt.is_run:
            return self._call(args, kwargs)
        return load(EXECUTE)(self, attempt)

    def _call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function: from Celery's tracer with its request, else with a new one."""
        request: Any = self.request_stack.top
        if request is not None and not request.called_directly and not request._protected:
            request._protected = 1
            return self.run(*args, **kwargs)
        _task_stack.push(self)
        self.push_request(args=args, kwargs=kwargs)
        try:
            return self.run(*args, **kwargs)
        finally:
            self.pop_request()
            _task_stack.pop()

    def apply_async(self, *args: Any, **options: Any) -> Any:
        """Store a call by the app that offload was installed into, whichever app is current.

        Raise ConfigurationError if there is none, as the call would be a plain task's.
        """
        home = installed()
        if home is None and not self.app.conf.task_always_eager:
            home = celery_app()
        if home is None or self.app is home or load(IS_HOOKED)(self.app):
            return super().apply_async(*args, **options)
        # Another app would send it as a plain task's call, to its own broker.
        mine = home.tasks.get(self.name)
        return mine.apply_async(*args, **options) if mine else super().apply_async(*args, **options)

    def apply(self, *given: Any, **options: Any) -> Any:
        """Run a call at once, as Celery does; but a running job's own retry is stored.

        Under ``task_always_eager``, Celery would run the retry inside the run that asks for it.
        """
        attempt = attempt_of(self)
        if attempt is None or options.get("task_id") != attempt.job.id:
            return super().apply(*given, **options)
        return self.app.send_task(self.name, *given, **{**options, "task_type": self})

    def delay(self, /, *args: Any, **kwargs: Any) -> Any:
        """Store a call with these arguments."""
        return self.apply_async(args, kwargs)

    def delay_on_commit(self, /, *args: Any, **kwargs: Any) -> Any:
        """Store a call with these arguments after the transaction commits."""
        return self.apply_async_on_commit(args, kwargs)

    def s(self, /, *args: Any, **kwargs: Any) -> Signature[Any]:
        """Return a signature of a call with these arguments."""
        return self.signature(args, kwargs)

    def si(self, /, *args: Any, **kwargs: Any) -> Signature[Any]:
        """Return a signature of a call with these arguments and no others."""
        return self.signature(args, kwargs, immutable=True)

    def run_job(self, job: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the task's function; it finds the job by ``current_job()``."""
        return call(self, args, kwargs)

    def announcement(self) -> dict[str, Any]:
        """Return the announcement of this consumer."""
        parameters = Parameters.of(function_of(self), given=self.given)
        limited = bool(self.time_limit or self.soft_time_limit)
        return {
            "pattern": self.pattern,
            "task": self.name,
            "ranking": self.ranking,
            "limit": limited,
            **({"silent": True} if self.ignore_result else {}),
            **({"requires": dict(self.requires)} if self.requires else {}),
            **({"prefers": wished.given} if (wished := Preferences.of(self.prefers)) else {}),
            **({"resources": dict(self.resources)} if self.resources else {}),
            **({"slots": self.slots} if Slots.of(self.slots) else {}),
            **({} if parameters is None else {"takes": str(parameters)}),
        }

    def signature(self, /, *args: Any, **kwargs: Any) -> Signature[Any]:
        """Return a signature that is marked as a job's, even for processes without this task."""
        made = super().signature(*args, **kwargs)
        if self.topic:
            made.options.setdefault(TOPIC_OPTION, self.topic)
        return made

    def on_replace(self, sig: Signature[Any]) -> Any:
        """Leave the replacement to the end of this attempt."""
        if self.request.called_directly or self.request.is_eager or not self.request.get(HEADER):
            return super().on_replace(sig)
        raise ReplacedBy(sig)


class ConsumerTask(OffloadTask):
    """The task of a function that takes the job, then its properties by name."""

    abstract = True
    retried_by_queue = True
    given = 1
    #: Callers pass only the properties; the job is added when it runs.
    typing = False

    def run_job(self, job: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Call the function with the job."""
        return call(self, (job, *args), kwargs)
