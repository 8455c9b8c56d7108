"""Celery's result of a job: a copy of what its row says, written once."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from celery.app.task import Context
from celery.backends.base import DisabledBackend
from celery.backends.rpc import RPCBackend
from celery.result import result_from_tuple
from celery.utils.saferepr import saferepr

from offload.core.exceptions import MissingResult
from offload.core.states import JobState, celery_state
from offload.db import database
from offload.messaging.installation import celery_app
from offload.messaging.publisher import Breaker
from offload.messaging.timeouts import within
from offload.models import Job
from offload.results.raising import module_of

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from offload.core.outcomes import ErrorInfo

T = TypeVar("T")

#: The condition of the index stands in it word for word: SQLite would read the whole table.
CHILDREN_SQL = f"SELECT id FROM {Job._meta.db_table} WHERE parent_id = %s AND NOT (parent_id = '')"

#: What get() raises for a job that ended without a run or an error of its own.
REVOKED_ERROR = {"exc_module": "celery.exceptions", "exc_type": "TaskRevokedError"}

#: The package whose backend stores results in Django's databases.
DJANGO_BACKEND = "django_celery_results"
#: Seconds that a backend outside of Django's databases has: one that stands still keeps neither
#: a run nor the leader (K1).
BACKEND_TIMEOUT_SECONDS = 3.0

breaker = Breaker()


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A task's result as Celery's backend stores it."""

    task_id: str
    status: str
    #: The value, or an exception as the dict that backends store.
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
    #: Celery's context of the run, where this process ran it.
    request: Any = None
    #: Else what is known of it beside the above.
    known: Mapping[str, Any] = field(default_factory=dict)


def backend() -> Any:
    """Return the result backend of this thread."""
    return celery_app().backend


def encoded(value: Any) -> Any:
    """Return a value as the backend stores it; raise what its encoder raises."""
    there = backend()
    return there.encode(there.prepare_value(value))


def djangos(kind: type) -> type | None:
    """Return the class of django-celery-results that a backend's class is made of, if any."""
    return _djangos(cast("Hashable", kind))


@cache
def _djangos(kind: Any) -> type | None:
    return next((one for one in kind.mro() if one.__module__.startswith(DJANGO_BACKEND)), None)


def _is_djangos() -> bool:
    return djangos(type(backend())) is not None


def bounded(ask: Callable[[], T]) -> T:
    """Return what is asked of a backend, which has limited time where it may stand still.

    Raise TimeoutError where it takes longer or cannot be reached, or did so a moment ago.
    Django's own is asked right here: its connections are per thread, and how long it takes is
    the database's to say.
    """
    if _is_djangos():
        return ask()
    if breaker.is_open:
        raise TimeoutError("the result backend gave no answer a moment ago")
    try:
        return within(BACKEND_TIMEOUT_SECONDS, ask)
    except TimeoutError:
        breaker.trip()
        raise
    except Exception as error:
        if not _is_away(error):
            raise
        breaker.trip()
        raise TimeoutError(f"the result backend cannot be reached: {error}") from error


def _is_away(error: Exception) -> bool:
    """Return whether the backend itself is why it cannot be asked: it is down, or refuses us."""
    return isinstance(error, OSError) or bool(backend().exception_safe_to_retry(error))


def store(result: Result) -> None:
    """Write a result by the backend's own means, where it is not in the job's database.

    Raise TimeoutError where it stands still; what it takes later is the same result.
    """
    bounded(lambda: _store(result))


def _store(result: Result) -> None:
    backend().store_result(
        result.task_id,
        result.value,
        result.status,
        traceback=result.traceback,
        request=request_of(result),
    )


def request_of(result: Result) -> Any:
    """Return the context of the run whose result this is, or what is known of it."""
    if result.request is not None:
        return result.request
    children = [result_from_tuple(child, app=celery_app()) for child in result.children]
    return Context(
        {
            **result.known,
            "id": result.task_id,
            "task": result.task,
            "argsrepr": result.argsrepr,
            "kwargsrepr": result.kwargsrepr,
            "hostname": result.worker,
            "reply_to": result.reply_to,
            "correlation_id": result.task_id,
            "_children": children,
        }
    )


def of_job(job: Job) -> Result:
    """Return the result that a job's row stands for."""
    status = celery_state(JobState(job.state), attempts=job.attempts)
    return Result(
        task_id=job.id,
        status=status,
        value=job.result if status == "SUCCESS" else exception_of(job, status),
        traceback=job.traceback or None,
        children=[((child, None), None) for child in _children(job)],
        task=job.task,
        argsrepr=job.options.get("argsrepr") or saferepr(tuple(job.args)),
        kwargsrepr=job.options.get("kwargsrepr") or saferepr(job.properties),
        worker=job.instance,
        reply_to=job.options.get("reply_to"),
        known=_known(job),
    )


def _known(job: Job) -> dict[str, Any]:
    """Return what else Celery's context of a run of the job would say."""
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
    return [row[0] for row in database.rows(CHILDREN_SQL, [job.pk])]


def exception_of(job: Job, status: str) -> dict[str, object] | None:
    """Return the exception of a job's row as the dict that backends store."""
    if status == "REVOKED":
        return {**REVOKED_ERROR, "exc_message": [job.state.lower()]}
    if status != "FAILURE":
        return None
    return named_exception(job.error_type, job.error)


def named_exception(error_type: str, error: str) -> dict[str, object]:
    """Return an exception by ``module.Qualname`` and text as the dict that backends store."""
    module, _, name = error_type.rpartition(".")
    name = name or "Exception"
    return {"exc_type": name, "exc_message": [error], "exc_module": module_of(module, name)}


def exception(error: ErrorInfo) -> dict[str, object]:
    """Return an error as the dict that backends store."""
    message = list(error.arguments) or [error.message]
    module = module_of(error.module, error.type)
    return {"exc_type": error.type, "exc_message": message, "exc_module": module}


def type_of(error: ErrorInfo) -> str:
    """Return module and name of an error."""
    return f"{error.module}.{error.type}"


def keeps_values() -> bool:
    """Return whether the backend keeps a value for whoever asks, as often as they ask."""
    return not isinstance(backend(), DisabledBackend | RPCBackend)


def value_of(job: Job) -> Any:
    """Return the value of a job that succeeded; raise MissingResult where it is gone.

    The backend is asked only for what was too large for the row. Such a value is no value in the
    database, and None is one, but read they look alike: so for None the row is asked once more.
    """
    if job.result is not None or Job.objects.filter(pk=job.pk, result__isnull=False).exists():
        return job.result
    return _large_value(job)


def _large_value(job: Job) -> Any:
    meta = bounded(lambda: backend().get_task_meta(job.id)) if keeps_values() else {}
    if meta.get("status") != "SUCCESS":
        raise MissingResult(job_id=job.id)
    return meta["result"]
