"""Messages as they arrive: nothing that lies in the queue of an instance ends its worker.

What is no message of a job is counted and dropped, with a line in the log that has nothing of its
content. A message whose job cannot begin from it is told to the agent, which counts an attempt.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.core.envelopes import Malformed
from offload.messaging.publisher import EXCHANGE
from offload.worker.parent.headers import envelope_of
from offload.worker.parent.in_flight import in_flight

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.core.envelopes import Key

logger = logging.getLogger("offload.worker")

Errors: TypeAlias = tuple[type[BaseException], ...]

#: What reading something else than was written raises; some transports call them the connection's.
UNREADABLE_ERRORS: Errors = (ValueError, TypeError, LookupError, AttributeError)
DROPPED_MESSAGE = "a message in this instance's queue is dropped: %s; %s"


@dataclass(slots=True)
class Arrivals:
    """How many messages came as far as a handler."""

    count: int = 0


arrivals = Arrivals()


def stand_before(consumer: Any) -> None:
    """Stand between the broker and Celery's handlers, once for all connections."""
    consumer.on_unknown_task = unknown_task_handler(consumer.on_unknown_task)
    consumer.on_invalid_task = invalid_task_handler(consumer.on_invalid_task)
    consumer.on_decode_error = undecodable(consumer.on_decode_error)
    consumer.on_unknown_message = dropping(consumer.on_unknown_message)
    errors = tuple(
        one for one in consumer.connection_errors if not issubclass(one, UNREADABLE_ERRORS)
    )
    consumer.create_task_handler = receiving(
        consumer.create_task_handler, passing=errors, tasks=consumer.app.tasks
    )


def receiving(
    inner: Callable[[], Callable[..., Any]],
    *,
    passing: Errors = (),
    tasks: Mapping[str, Any] = MappingProxyType({}),
) -> Callable[[], Callable[..., Any]]:
    """Return a maker of message handlers that survive whatever arrives for jobs.

    They drop a second message of what is here already, before Celery makes a request of it: one
    that it refuses it calls revoked, and says so to the result backend. Errors that are
    ``passing`` are the connection's own; of the worker's ``tasks``, some are no jobs'.
    """

    def create_task_handler() -> Callable[..., Any]:
        handle = inner()

        def on_task_received(message: Any) -> Any:
            arrivals.count += 1
            try:
                envelope = envelope_of(message)
            except Malformed as problem:
                return drop(str(problem), problem.hint)
            if envelope is None:
                return _other(handle, message, passing)
            key = envelope.key
            if in_flight.knows(key):  # B8
                return None
            name = message.headers["task"]
            if name in tasks and not hasattr(tasks[name], "run_job"):
                return in_flight.refuse(key, name)
            return _job(handle, message, passing, key)

        return on_task_received

    return create_task_handler


def _job(handle: Callable[..., Any], message: Any, passing: Errors, key: Key) -> Any:
    try:
        return handle(message)
    except passing:
        raise
    except Exception as error:
        return _fail(key, error)


def _other(handle: Callable[..., Any], message: Any, passing: Errors) -> Any:
    """Let Celery handle what is no job's; by our exchange, somebody else sent it."""
    try:
        return handle(message)
    except passing:
        raise
    except Exception as error:
        if not is_ours(message):
            raise
        return drop(f"it cannot be handled ({type(error).__name__})")


def is_ours(message: Any) -> bool:
    """Return whether a message came by our exchange, or does not say how it came."""
    told = message.delivery_info
    exchange = told.get("exchange") if isinstance(told, dict) else None
    return not isinstance(exchange, str) or exchange == EXCHANGE.name


def drop(problem: str, hint: str = Malformed.hint) -> None:
    """Count and log a message that is none; there is nothing to acknowledge."""
    in_flight.malform()
    logger.error(DROPPED_MESSAGE, problem, hint)


def _fail(key: Key, error: BaseException) -> None:
    kind = type(error).__name__
    logger.error("a message of job %s, epoch %s, cannot be begun: %s", *key, kind)
    in_flight.fail(key, f"{kind}: {error}")  # R12


def unknown_task_handler(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that gives jobs of unknown tasks back; Celery would fail them."""

    def on_unknown_task(body: Any, message: Any, exc: Exception) -> Any:
        envelope = envelope_of(message)
        if envelope is not None:
            return in_flight.refuse(envelope.key, message.headers["task"])
        if is_ours(message):
            return drop("it is for a task that this worker does not have")
        return inner(body, message, exc)

    return on_unknown_task


def invalid_task_handler(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that counts a message which Celery takes for invalid as an attempt."""

    def on_invalid_task(body: Any, message: Any, exc: Exception) -> Any:
        return _failed(message, exc) or inner(body, message, exc)

    return on_invalid_task


def undecodable(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that counts a message which cannot be decoded as an attempt."""

    def on_decode_error(message: Any, exc: Exception) -> Any:
        return _failed(message, exc) or inner(message, exc)

    return on_decode_error


def _failed(message: Any, error: Exception) -> bool:
    """Deal with a message that failed, if it is for us; return whether it was."""
    envelope = envelope_of(message)
    if envelope is None and not is_ours(message):
        return False
    if envelope is None:
        drop(f"it cannot be read ({type(error).__name__})")
    else:
        _fail(envelope.key, error)
    return True


def dropping(inner: Callable[..., Any]) -> Callable[..., Any]:
    """Return a handler that drops what is no message of Celery's."""

    def on_unknown_message(body: Any, message: Any) -> Any:
        if is_ours(message):
            return drop("it is no task's")
        return inner(body, message)

    return on_unknown_message


@dataclass(frozen=True, slots=True)
class Surviving:
    """A read from Redis that survives what was never a message: kombu would end the worker."""

    read: Callable[..., Any]

    def __call__(self, **options: Any) -> Any:
        """Read; drop what does not even become a message."""
        before = arrivals.count
        try:
            return self.read(**options)
        except UNREADABLE_ERRORS as error:
            if arrivals.count != before:
                raise
            drop(f"it is none ({type(error).__name__})")
            return True


def survive_envelopes(channel: Any) -> None:
    """Let a channel of Redis survive what is not even an envelope."""
    handlers = getattr(channel, "handlers", None)
    read = handlers.get("BRPOP") if isinstance(handlers, dict) else None
    if handlers is not None and read is not None and not isinstance(read, Surviving):
        handlers["BRPOP"] = Surviving(read)
