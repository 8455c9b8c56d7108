"""Database sessions over runs: none finds what another one left behind."""

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
from offload.worker.pool.session import Disorder, Session, discard, disorder_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from celery.app.task import Task
    from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("offload.worker")


class SessionWatch:
    """The database sessions that this thread uses for a run (F5)."""

    def __init__(self) -> None:
        """Close what is not as a run should find it, unless it is somebody else's."""
        if _here.watch is not None:
            # Of an attempt whose function was never called.
            _here.watch.end()
        found = connections.all(initialized_only=True)
        if not is_guest():
            tidy(found)
        self._sessions = {one.alias: Session(one) for one in found}
        self._has_begun = False
        _listen()
        _here.watch = self

    def begin(self) -> None:
        """Take the sessions as they are for how they should be after the run."""
        self._has_begun = True
        for session in self._sessions.values():
            session.begin()

    def end(self) -> dict[str, Disorder]:
        """Undo what the run left behind; say by alias how it left a transaction open."""
        _here.watch = None
        if not self._has_begun:
            return {}
        found = {alias: one.end(keep=is_guest()) for alias, one in self._sessions.items()}
        return {alias: left for alias, left in found.items() if left}

    def connected(self, connection: BaseDatabaseWrapper) -> None:
        """Take a session that is new, with what the site sets up in each."""
        known = self._sessions.get(connection.alias)
        if known is not None:
            known.is_changed = False
            return
        self._sessions[connection.alias] = session = Session(connection)
        if self._has_begun:
            session.begin()


class _Here(threading.local):
    watch: SessionWatch | None = None
    #: That of a plain Celery task.
    plain: SessionWatch | None = None


_here = _Here()


@cache
def _listen() -> None:
    """Hear of new connections: from the first run on, after receivers that set them up."""
    connection_created.connect(_on_connected, dispatch_uid="offload.watch")


def _on_connected(connection: BaseDatabaseWrapper, **_: object) -> None:
    if _here.watch is not None:
        _here.watch.connected(connection)


def watch_tasks(**_: object) -> None:
    """Leave sessions as the next task should find them: for processes of workers alone."""
    for sent, receiver in ((task_prerun, on_prerun), (task_postrun, on_postrun)):
        sent.connect(receiver, weak=False, dispatch_uid=f"offload.{receiver.__name__}")


def tidy(found: Iterable[BaseDatabaseWrapper]) -> None:
    """Close those of these connections that are not as the next run should find them."""
    for connection in found:
        if connection.allow_thread_sharing:
            continue
        disorder = disorder_of(connection)
        if disorder:
            logger.warning(
                "the connection to database %r is closed: %s, by what ran here before",
                connection.alias,
                disorder,
            )
        if disorder or connection.errors_occurred:
            discard(connection)


def on_prerun(*, task: Task[Any, Any], **_: object) -> None:
    """Watch a plain Celery task, as its connections are kept over tasks too."""
    if _is_foreign(task) or task.request.get(HEADER):
        return
    _here.plain = SessionWatch()
    _here.plain.begin()


def on_postrun(*, task: Task[Any, Any], **_: object) -> None:
    """Leave sessions and the log of queries as the next task should find them."""
    if _is_foreign(task):
        return
    plain, _here.plain = _here.plain, None
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
    """Return whether the task runs inside of something else, whose connections it uses."""
    return bool(task.request.is_eager) or is_guest()
