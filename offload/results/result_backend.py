"""Celery's result of a job: a copy of the row's facts, written once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from celery.backends.base import DisabledBackend
from celery.backends.rpc import RPCBackend
from celery.utils.saferepr import saferepr

from offload.core.exceptions import MissingResult
from offload.core.states import JobState, celery_state
from offload.db import database
from offload.messaging.installation import celery_app, current_installation
from offload.messaging.timeouts import within
from offload.models import Job
from offload.models.indexes import HAS_PARENT
from offload.results.contexts import request_of, with_given_texts
from offload.results.raising import module_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from offload.core.outcomes import ErrorInfo

T = TypeVar("T")

CHILDREN_SQL = f"SELECT id FROM {Job._meta.db_table} WHERE parent_id = %(parent)s AND {HAS_PARENT}"

#: The exception of get() for a job that ended without a run or an error of its own.
REVOKED_ERROR = {"exc_module": "celery.exceptions", "exc_type": "TaskRevokedError"}

#: The package whose backend stores results in Django's databases.
DJANGO_BACKEND = "django_celery_results"
#: Seconds for a backend outside Django's databases, so that a hanging one holds up neither a run
#: nor the leader (K1).
BACKEND_TIMEOUT_SECONDS = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A task's result in the form that Celery's backend stores."""

    task_id: str
    status: str
    #: The value, or the dict that backends store for an exception.
    value: Any = None
    traceback: str | None = None
    #: Ids of tasks that the run submitted, as result tuples.
    children: Sequence[Any] = ()
    task: str = ""
    argsrepr: str = ""
    kwargsrepr: str = ""
    worker: str = ""
    #: The queue of the submitter's thread, for backends that send results there.
    reply_to: str | None = None
    #: The frozen options of the call.
    options: Mapping[str, Any] = field(default_factory=dict)
    #: Celery's context of the run, if this process ran it.
    request: Any = None
    #: Otherwise further known facts about the run.
    known: Mapping[str, Any] = field(default_factory=dict)


def backend() -> Any:
    """Return the result backend of this thread."""
    return celery_app().backend


def encoded(value: Any) -> Any:
    """Return a value in the backend's encoding; let the encoder's errors through."""
    there = backend()
    return there.encode(there.prepare_value(value))


def djangos(kind: type) -> type | None:
    """Return the class of django-celery-results that a backend's class derives from, if any."""
    return _djangos(cast("Hashable", kind))


@cache
def _djangos(kind: Any) -> type | None:
    return next((one for one in kind.mro() if one.__module__.startswith(DJANGO_BACKEND)), None)


def _is_djangos() -> bool:
    return djangos(type(backend())) is not None


def bounded(ask: Callable[[], T]) -> T:
    """Call a backend, with limited time if it may hang; return its answer.

    Raise TimeoutError if it takes longer, cannot be reached, or failed in this way a moment ago. A
    backend in Django's database is called in this thread, without a limit: its connections belong
    to the thread, and timeouts are the database's matter.
    """
    if _is_djangos():
        return ask()
    if current_installation.to_backend.is_open:
        raise TimeoutError("the result backend gave no answer a moment ago")
    try:
        return within(BACKEND_TIMEOUT_SECONDS, ask)
    except TimeoutError:
        current_installation.to_backend.trip()
        raise
    except Exception as error:
        if not _is_away(error):
            raise
        current_installation.to_backend.trip()
        raise TimeoutError(f"the result backend cannot be reached: {error}") from error


def _is_away(error: Exception) -> bool:
    """Return whether the error means that the backend is down, or refuses the login."""
    return isinstance(error, OSError) or bool(backend().exception_safe_to_retry(error))


def store(result: Result) -> None:
    """Write a result through the backend, outside the job's database.

    Raise TimeoutError if it hangs; a late write stores the same result.
    """
    bounded(lambda: _store(result))


def _store(result: Result) -> None:
    backend().store_result(
        result.task_id,
        result.value,
        result.status,
        traceback=result.traceback,
        request=with_given_texts(request_of(result), result.options),
    )


def of_job(job: Job) -> Result:
    """Return the result of a job, from its row."""
    status = celery_state(JobState(job.state), attempts=job.attempts)
    texts = [job.options.get(name) for name in ("argsrepr", "kwargsrepr")]
    return Result(
        task_id=job.id,
        status=status,
        value=job.result if status == "SUCCESS" else exception_of(job, status),
        traceback=job.traceback or None,
        children=[((child, None), None) for child in _children(job)],
        task=job.task,
        argsrepr=saferepr(tuple(job.args)) if texts[0] is None else texts[0],
        kwargsrepr=saferepr(job.properties) if texts[1] is None else texts[1],
        options=job.options,
        worker=job.instance,
        reply_to=job.options.get("reply_to"),
        known=_known(job),
    )


def _known(job: Job) -> dict[str, Any]:
    """Return further facts that Celery's context of a run of the job would have."""
    stamped = job.options.get("stamped_headers") or ()
    return {
        **(job.options.get("headers") or {}),
        "args": job.args,
        "kwargs": job.properties,
        "group": job.options.get("group_id"),
        "parent_id": job.parent_id or None,
        "retries": job.failures,
        "stamped_headers": stamped or None,
        "stamps": {name: job.options[name] for name in stamped if name in job.options},
    }


def _children(job: Job) -> list[str]:
    return [row[0] for row in database.rows(CHILDREN_SQL, {"parent": job.pk})]


def exception_of(job: Job, status: str) -> dict[str, object] | None:
    """Return the dict that backends store for the exception in a job's row."""
    if status == "REVOKED":
        return {**REVOKED_ERROR, "exc_message": [job.state.lower()]}
    if status != "FAILURE":
        return None
    return named_exception(job.error_type, job.error)


def named_exception(error_type: str, error: str) -> dict[str, object]:
    """Return the dict that backends store for an exception, by ``module.Qualname`` and text."""
    module, _, name = error_type.rpartition(".")
    name = name or "Exception"
    return {"exc_type": name, "exc_message": [error], "exc_module": module_of(module, name)}


def exception(error: ErrorInfo) -> dict[str, object]:
    """Return the dict that backends store for an error."""
    message = list(error.arguments) or [error.message]
    module = module_of(error.module, error.type)
    return {"exc_type": error.type, "exc_message": message, "exc_module": module}


def type_of(error: ErrorInfo) -> str:
    """Return module and name of an error."""
    return f"{error.module}.{error.type}"


def keeps_values() -> bool:
    """Return whether the backend keeps values, so that anybody can read them repeatedly."""
    return not isinstance(backend(), DisabledBackend | RPCBackend)


def value_of(job: Job) -> Any:
    """Return the value of a job that succeeded; raise MissingResult if it is gone.

    The backend is asked only for values that were too large for the row. The row then has NULL,
    which reads like a result of None, so None makes a second query.
    """
    if job.result is not None or Job.objects.filter(pk=job.pk, result__isnull=False).exists():
        return job.result
    return _large_value(job)


def _large_value(job: Job) -> Any:
    meta = bounded(lambda: backend().get_task_meta(job.id)) if keeps_values() else {}
    if meta.get("status") != "SUCCESS":
        raise MissingResult(job_id=job.id)
    return meta["result"]
