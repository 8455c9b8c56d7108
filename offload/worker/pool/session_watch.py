"""Watching database sessions, so that no run inherits anything from another."""

from __future__ import annotations

import logging
import threading
from functools import cache
from typing import TYPE_CHECKING, Any

from celery.signals import task_postrun, task_prerun
from django.db import connections
from django.db.backends.signals import connection_created

from offload.core.envelopes import HEADER
from offload.worker.pool.guest import is_guest
from offload.worker.pool.query_log import forget_queries
from offload.worker.pool.session import Session, SessionFault, discard, fault_of, is_lost
from offload.worker.pool.step_reports import conclude_step

if TYPE_CHECKING:
    from collections.abc import Iterable

    from celery.app.task import Task
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("offload.worker")


class SessionWatch:
    """The database sessions of this thread during a run (F5)."""

    def __init__(self) -> None:
        """Close sessions that are not in order, unless others own them."""
        if _watches.watch is not None:
            # Left by an attempt whose function was never called.
            _watches.watch.end()
        found = connections.all(initialized_only=True)
        if not is_guest():
            tidy(found)
        self._sessions = {one.alias: Session(one) for one in found}
        self._has_begun = False
        _listen()
        _watches.watch = self

    def begin(self) -> None:
        """Remember the sessions' states as those to restore after the run."""
        self._has_begun = True
        for session in self._sessions.values():
            session.begin()

    def end(self) -> dict[str, SessionFault]:
        """Undo all that the run left behind; return by alias how it left transactions open."""
        _watches.watch = None
        if not self._has_begun:
            return {}
        found = {alias: one.end(keep=is_guest()) for alias, one in self._sessions.items()}
        return {alias: left for alias, left in found.items() if left}

    def connected(self, connection: BaseDatabaseWrapper) -> None:
        """Watch a new session, after the site has set it up."""
        known = self._sessions.get(connection.alias)
        if known is not None:
            known.is_changed = False
            return
        self._sessions[connection.alias] = session = Session(connection)
        if self._has_begun:
            session.begin()


class _Watches(threading.local):
    watch: SessionWatch | None = None
    #: The watch of a plain Celery task.
    plain: SessionWatch | None = None


_watches = _Watches()


@cache
def _listen() -> None:
    """Watch new connections, from the first run on, after the receivers that set them up."""
    connection_created.connect(_on_connected, dispatch_uid="offload.watch")


def _on_connected(connection: BaseDatabaseWrapper, **_: object) -> None:
    if _watches.watch is not None:
        _watches.watch.connected(connection)


def watch_tasks(**_: object) -> None:
    """Keep sessions in order between tasks; for worker processes only."""
    for sent, receiver in (
        (task_prerun, on_prerun),
        (task_postrun, conclude_step),
        (task_postrun, on_postrun),
    ):
        sent.connect(receiver, weak=False, dispatch_uid=f"offload.{receiver.__name__}")


def tidy(found: Iterable[BaseDatabaseWrapper]) -> None:
    """Close the connections among these that are not in order."""
    for connection in found:
        if connection.allow_thread_sharing:
            continue
        fault = fault_of(connection)
        if fault:
            logger.warning(
                "the connection to database %r is closed: %s, by what ran here before",
                connection.alias,
                fault,
            )
        if fault or connection.errors_occurred or is_lost(connection):
            discard(connection)


def on_prerun(*, task: Task[Any, Any], **_: object) -> None:
    """Watch a plain Celery task, because its connections are kept between tasks too."""
    if _is_foreign(task) or task.request.get(HEADER):
        return
    _watches.plain = SessionWatch()
    _watches.plain.begin()


def on_postrun(*, task: Task[Any, Any], **_: object) -> None:
    """Put sessions in order and empty the log of queries after a task."""
    if _is_foreign(task):
        return
    plain, _watches.plain = _watches.plain, None
    if plain is not None:
        for alias, left in plain.end().items():
            logger.warning(
                "task %s: in database %r, %s; what it did not commit is rolled back",
                task.name,
                alias,
                left,
            )
    tidy(connections.all(initialized_only=True))
    forget_queries()


def _is_foreign(task: Task[Any, Any]) -> bool:
    """Return whether the task runs inside other code, and uses its connections."""
    return bool(task.request.is_eager) or is_guest()
