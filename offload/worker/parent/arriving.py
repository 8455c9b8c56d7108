"""Arriving messages: nothing in an instance's queue can end its worker.

Anything that is not a job's message is counted and dropped, with a log line that does not quote it.
If a job cannot begin from its message, the agent is told and counts an attempt.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.core.envelopes import Malformed
from offload.messaging.publisher import EXCHANGE
from offload.worker.parent.headers import envelope_of, probe_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from offload.core.envelopes import Key
    from offload.worker.parent.in_flight import InFlight

logger = logging.getLogger("offload.worker")

Errors: TypeAlias = tuple[type[BaseException], ...]

#: Errors of reading foreign content; some transports count them as connection errors.
UNREADABLE_MESSAGE_ERRORS: Errors = (ValueError, TypeError, LookupError, AttributeError)
DROPPED_MESSAGE = "a message in this instance's queue is dropped: %s; %s"


class Arrivals:
    """Stands between the broker and Celery's handlers in one worker."""

    def __init__(self, in_flight: InFlight) -> None:
        """Take what the worker holds."""
        self.in_flight = in_flight
        #: Counts the messages that reached a handler.
        self.count = 0

    def stand_before(self, consumer: Any) -> None:
        """Take the place of a consumer's handlers, once for all connections."""
        consumer.on_unknown_task = self.unknown_task_handler(consumer.on_unknown_task)
        consumer.on_invalid_task = self.invalid_task_handler(consumer.on_invalid_task)
        consumer.on_decode_error = self.undecodable(consumer.on_decode_error)
        consumer.on_unknown_message = self.dropping(consumer.on_unknown_message)
        errors = tuple(
            one
            for one in consumer.connection_errors
            if not issubclass(one, UNREADABLE_MESSAGE_ERRORS)
        )
        consumer.create_task_handler = self.receiving(
            consumer.create_task_handler, passing=errors, tasks=consumer.app.tasks
        )

    def receiving(
        self,
        inner: Callable[[], Callable[..., Any]],
        *,
        passing: Errors = (),
        tasks: Mapping[str, Any] = MappingProxyType({}),
    ) -> Callable[[], Callable[..., Any]]:
        """Return a maker of message handlers that survive anything that arrives for jobs.

        They drop a second message of a binding that is here already before Celery makes a request
        of it: Celery reports a refused one as revoked to the result backend. ``passing`` are the
        connection's own errors; ``tasks`` are the worker's tasks, some of which are not jobs.
        """
        in_flight = self.in_flight

        def create_task_handler() -> Callable[..., Any]:
            handle = inner()

            def on_task_received(message: Any) -> Any:
                self.count += 1
                if (probe := probe_of(message)) is not None:
                    return in_flight.receive_probe(probe)
                try:
                    envelope = envelope_of(message)
                except Malformed as problem:
                    return self.drop(str(problem), problem.hint)
                if envelope is None:
                    return self._other(handle, message, passing)
                key = envelope.key
                if in_flight.knows(key):  # B8
                    return None
                name = message.headers["task"]
                if name in tasks and not hasattr(tasks[name], "run_job"):
                    return in_flight.refuse(key, name)
                return self._job(handle, message, passing, key)

            return on_task_received

        return create_task_handler

    def _job(self, handle: Callable[..., Any], message: Any, passing: Errors, key: Key) -> Any:
        try:
            return handle(message)
        except passing:
            raise
        except Exception as error:
            return self._fail(key, error)

    def _other(self, handle: Callable[..., Any], message: Any, passing: Errors) -> Any:
        """Let Celery handle other messages; drop foreign ones that came by our exchange."""
        try:
            return handle(message)
        except passing:
            raise
        except Exception as error:
            if not is_ours(message):
                raise
            return self.drop(f"it cannot be handled ({type(error).__name__})")

    def drop(self, problem: str, hint: str = Malformed.hint) -> None:
        """Count and log a foreign message; there is nothing to acknowledge."""
        self.in_flight.malform()
        logger.error(DROPPED_MESSAGE, problem, hint)

    def _fail(self, key: Key, error: BaseException) -> None:
        kind = type(error).__name__
        logger.error("a message of job %s, epoch %s, cannot be begun: %s", *key, kind)
        self.in_flight.fail(key, f"{kind}: {error}")  # R12

    def unknown_task_handler(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler that gives back jobs of unknown tasks, which Celery would fail."""

        def on_unknown_task(body: Any, message: Any, exc: Exception) -> Any:
            envelope = envelope_of(message)
            if envelope is not None:
                return self.in_flight.refuse(envelope.key, message.headers["task"])
            if is_ours(message):
                return self.drop("it is for a task that this worker does not have")
            return inner(body, message, exc)

        return on_unknown_task

    def invalid_task_handler(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler that counts a message as an attempt if Celery finds it invalid."""

        def on_invalid_task(body: Any, message: Any, exc: Exception) -> Any:
            return self._failed(message, exc) or inner(body, message, exc)

        return on_invalid_task

    def undecodable(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler that counts a message as an attempt if it cannot be decoded."""

        def on_decode_error(message: Any, exc: Exception) -> Any:
            return self._failed(message, exc) or inner(message, exc)

        return on_decode_error

    def _failed(self, message: Any, error: Exception) -> bool:
        """Report a failed message if it is one of ours; return whether it is."""
        envelope = envelope_of(message)
        if envelope is None and not is_ours(message):
            return False
        if envelope is None:
            self.drop(f"it cannot be read ({type(error).__name__})")
        else:
            self._fail(envelope.key, error)
        return True

    def dropping(self, inner: Callable[..., Any]) -> Callable[..., Any]:
        """Return a handler that drops anything that is not a message of Celery."""

        def on_unknown_message(body: Any, message: Any) -> Any:
            if is_ours(message):
                return self.drop("it is no task's")
            return inner(body, message)

        return on_unknown_message

    def survive_envelopes(self, channel: Any) -> None:
        """Let a channel of Redis survive content that is not even an envelope."""
        handlers = getattr(channel, "handlers", None)
        read = handlers.get("BRPOP") if isinstance(handlers, dict) else None
        if handlers is not None and read is not None and not isinstance(read, Surviving):
            handlers["BRPOP"] = Surviving(read, self)


def is_ours(message: Any) -> bool:
    """Return whether a message came by our exchange, or does not name one."""
    delivery = message.delivery_info
    exchange = delivery.get("exchange") if isinstance(delivery, dict) else None
    return not isinstance(exchange, str) or exchange == EXCHANGE.name


@dataclass(frozen=True, slots=True)
class Surviving:
    """A read from Redis that survives foreign content, for which kombu would end the worker."""

    read: Callable[..., Any]
    arrivals: Arrivals

    def __call__(self, **options: Any) -> Any:
        """Read; drop content that does not even become a message."""
        before = self.arrivals.count
        try:
            return self.read(**options)
        except UNREADABLE_MESSAGE_ERRORS as error:
            if self.arrivals.count != before:
                raise
            self.arrivals.drop(f"it is not a message ({type(error).__name__})")
            return True
