"""Checks that a function can be a consumer, and that it accepts a job's arguments."""

from __future__ import annotations

import inspect
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidConsumer, WrongCall
from offload.core.validation.parameters import first_name, kind_of, takes_arguments

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOT_RUN = (
    "it is {kind}, which a call only prepares, and a worker only calls. Write a plain function "
    "that returns its result{awaiting}."
)
AWAITING = "; one that awaits something can call asyncio.run()"
NO_FUNCTION = "it is no function with a name. Write def consume(job, *, width), and call it there."
NO_PATTERN = (
    "@consumer was given no topic, but the function. Write @consumer('dam/rendition/web'), or "
    "the pattern of its topics."
)
#: Options of `submit` that tasks do not have; Celery would accept and ignore them.
RETRIED_BY_QUEUE = "A job is retried as its queue says"
REFUSED_OPTIONS = {
    "retries": RETRIED_BY_QUEUE,
    "retry_delay": RETRIED_BY_QUEUE,
    "queue": "A job goes by the queue that its topic belongs to",
}
REFUSED_OPTION = (
    "{option}= says nothing here. {rule} (OFFLOAD['QUEUES'], or manage.py offload queues add), or "
    "as submit({option}=…) says."
)
NO_TOPIC = (
    "it has no topic, so each call would be a plain Celery task. Write topic='billing/invoice' "
    "beside base=OffloadTask, or leave out the base."
)
MISMATCH = (
    "{name}() cannot be called so: {problem}. Submit the job with what the function takes. For "
    "jobs that older code submitted, give a new parameter a default, and keep an old one"
)
#: Problems by whether the task itself is the first argument.
NO_JOB_PARAMETER = {
    False: "it takes no job. Write the job as its first parameter: def consume(job, *, width).",
    True: "it takes no job. With bind=True write def consume(self, job, *, width).",
}
JOB_AS_SELF = (
    "its first parameter is self, and would be given the job. Write def consume(job, *, width); "
    "with bind=True, def consume(self, job, *, width)."
)


def check_named(function: object) -> None:
    """Raise InvalidConsumer unless it is a function with a name, which partial() has not."""
    is_function = callable(function) and not inspect.isclass(function)
    if not (is_function and hasattr(function, "__name__")):
        raise InvalidConsumer(name=f"{function!r:.300}", problem=NO_FUNCTION)


def check_pattern(pattern: object) -> None:
    """Raise InvalidConsumer if the function is given instead of its pattern."""
    if callable(pattern):
        raise InvalidConsumer(
            name=getattr(pattern, "__name__", f"{pattern!r:.300}"), problem=NO_PATTERN
        )


def check_options(options: Mapping[str, Any], name: str) -> None:
    """Raise InvalidConsumer for options that belong to `submit`."""
    for option, rule in REFUSED_OPTIONS.items():
        if option in options:
            raise InvalidConsumer(
                name=name, problem=REFUSED_OPTION.format(option=option, rule=rule)
            )


def check_consumer(function: Callable[..., Any], name: str, *, is_bound: bool) -> None:
    """Raise InvalidConsumer for a function that cannot be called with a job."""
    check_function(function, name)
    if not takes_arguments(function, 1 + is_bound):
        raise InvalidConsumer(name=name, problem=NO_JOB_PARAMETER[is_bound])
    if not is_bound and first_name(function) == "self":
        raise InvalidConsumer(name=name, problem=JOB_AS_SELF)


def check_function(function: Callable[..., Any], name: str) -> None:
    """Raise InvalidConsumer for a function that does not run when it is called."""
    kind = kind_of(function)
    if kind:
        awaiting = AWAITING if "async" in kind else ""
        problem = NOT_RUN.format(kind=kind, awaiting=awaiting)
        raise InvalidConsumer(name=name, problem=problem)


def call(task: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    """Call a task's function and return its value.

    Raise WrongCall if it does not accept the arguments, or returns an awaitable: another attempt
    would have the same outcome.
    """
    if hasattr(task, "_orig_run"):
        # Celery's autoretry may have caught the mismatch.
        _check_call(task, args, kwargs)
    try:
        value = task.run(*args, **kwargs)
    except TypeError:
        _check_call(task, args, kwargs)
        raise
    if inspect.iscoroutine(value):
        value.close()
        raise WrongCall(f"{task.name}() returned a coroutine, which nobody awaits")
    return value


def _check_call(task: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
    problem = _mismatch(function_of(task), args, kwargs)
    if problem:
        raise WrongCall(MISMATCH.format(name=task.name, problem=problem)) from None


def function_of(task: Any) -> Callable[..., Any]:
    """Return the function itself, which Celery's autoretry wraps."""
    found: Callable[..., Any] = getattr(task, "_orig_run", task.run)
    return found


def _mismatch(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> str:
    known = _signature(function)
    if known is None:
        return ""
    try:
        known.bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return ""


@lru_cache(maxsize=1024)
def _signature(function: Callable[..., Any]) -> inspect.Signature | None:
    try:
        # A decorator may add arguments, so only its own signature counts.
        return inspect.signature(function, follow_wrapped=False)
    except (TypeError, ValueError):
        return None
