"""Celery's results as rows of django-celery-results, written together with the job's change."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import router

from offload.conf import settings
from offload.db import database
from offload.db.statements import Statement, if_changed, numbered, once_per_dialect, placeholders
from offload.messaging.installation import celery_app
from offload.results.contexts import request_of
from offload.results.result_backend import backend, bounded, djangos, keeps_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.results.result_backend import Result

logger = logging.getLogger("offload.results")

#: The content of a RETRY result without a known reason; Celery reads it as an exception.
RETRIED_ERROR = {
    "exc_module": "celery.exceptions",
    "exc_type": "Retry",
    "exc_message": ["put back"],
}
#: Methods that a site's own backend may override; then the backend itself stores results.
STORING_METHODS = ("store_result", "_store_result", "TaskModel")
#: The further facts of most results: the run has submitted nothing.
NO_FACTS: dict[str, object] = {"children": []}


@lru_cache(maxsize=1)
def in_transaction() -> bool:
    """Return whether results are rows in the jobs' database, and so part of the finish."""
    if not (settings().results_in_transaction and apps.is_installed("django_celery_results")):
        return False
    stores_as_usual = is_usual(type(backend()))
    return stores_as_usual and router.db_for_write(_model()) == database.alias()


def is_usual(kind: type) -> bool:
    """Return whether a backend stores results exactly as django-celery-results does."""
    usual = djangos(kind)
    return usual is not None and all(
        getattr(kind, name) is getattr(usual, name) for name in STORING_METHODS
    )


def tracks_started() -> bool:
    """Return whether the site tracks STARTED in its result backend."""
    return bool(celery_app().conf.task_track_started)


def _model() -> Any:
    return apps.get_model("django_celery_results", "TaskResult")


def write(result: Result) -> None:
    """Write a result into the database by one statement.

    Requires ``in_transaction``.
    """
    found = upsert(result, joined=False)
    database.execute(found.sql, found.params)


def upsert(result: Result, *, joined: bool) -> Statement:
    """Return the statement that writes a result; a later status replaces an earlier.

    ``joined`` to a change of the job, it writes only if that changed anything.
    """
    columns = columns_of(result)
    sql = _upserting(tuple(columns), is_start=result.status == "STARTED", joined=joined)
    return Statement(sql, {f"stored_{name}": value for name, value in columns.items()})


@once_per_dialect
def _upserting(columns: tuple[str, ...], *, is_start: bool, joined: bool) -> str:
    values = [f"%(stored_{name})s" for name in columns]
    source = f"WHERE {if_changed() if joined else 'true'}"
    return upserting(columns, values, source, is_start=is_start)


def upserting(columns: Sequence[str], values: Sequence[str], source: str, *, is_start: bool) -> str:
    """Return SQL that writes results whose columns have these values (SQL) in a source.

    ``source`` is all that follows the selected values; it must hold a WHERE.
    """
    names = [*columns, "date_created", "date_done", "date_started"]
    now = database.now()
    kept = ", ".join(f"{name} = excluded.{name}" for name in [*columns, "date_done"])
    table = _model()._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(names)}) "
        f"SELECT {', '.join(values)}, {now}, {now}, {now if is_start else 'NULL'} {source} "
        f"ON CONFLICT (task_id) DO UPDATE SET {kept}, "
        f"date_started = COALESCE(excluded.date_started, {table}.date_started)"
    )


def columns_of(result: Result) -> dict[str, object]:
    """Return the columns that the backend would store; without extended results, no traceback."""
    there, request = backend(), request_of(result)
    content_type, content_encoding, content = there.encode_content(result.value)
    meta = {**there._get_meta_from_request(request), "children": list(result.children)}
    return {
        "task_id": result.task_id,
        "status": result.status,
        "result": content,
        "content_type": content_type,
        "content_encoding": content_encoding,
        "meta": _encoded(there, meta),
        **_extended(there, request),
        "traceback": result.traceback,
    }


def _encoded(there: Any, meta: dict[str, object]) -> Any:
    """Return the text of a result's further facts, which is kept if there are none.

    Facts that a task adds may be changed in place later, and 1 equals True: they are encoded anew.
    """
    if meta != NO_FACTS:
        return there.encode_content(meta)[2]
    key = (there.app, there.serializer)
    latest = _latest.meta
    if latest is None or latest[0] != key:
        _latest.meta = latest = key, there.encode_content(meta)[2]
    return latest[1]


def _extended(there: Any, request: Any) -> dict[str, object]:
    """Return the call's facts that the backend stores; an attempt's start and end both need them.

    Encoding them costs more than everything else here, so the end reuses them.
    """
    usual: Any = djangos(type(there))
    asks_usual = type(there)._get_extended_properties is usual._get_extended_properties
    texts = [getattr(request, name, None) for name in ("argsrepr", "kwargsrepr")]
    if None in texts or not asks_usual:
        return dict(there._get_extended_properties(request, None))
    key = (there.app, request.id, request.hostname, *texts)
    latest = _latest.found
    if latest is None or latest[0] != key:
        _latest.found = latest = key, there._get_extended_properties(request, None)
    return latest[1]


class _Latest:
    found: tuple[tuple[object, ...], dict[str, object]] | None = None
    meta: tuple[tuple[object, ...], Any] | None = None


_latest = _Latest()


def forget(task_ids: Sequence[str]) -> None:
    """Delete results, here or in another backend, because new jobs take their ids.

    An unreachable backend is only logged.
    """
    if in_transaction():
        _model().objects.using(database.alias()).filter(task_id__in=task_ids).delete()
    elif keeps_values():
        try:
            bounded(lambda: [backend().forget(task_id) for task_id in task_ids])
        except Exception as error:
            ids = ", ".join(task_ids)
            logger.warning("the old results of %s are not forgotten: %s", ids, error)


def mark_retry(job_ids: Sequence[str]) -> None:
    """Change STARTED to RETRY in the results of jobs whose attempt was lost."""
    if job_ids and in_transaction() and tracks_started():
        ids = numbered("job", job_ids)
        database.execute(
            f"UPDATE {_model()._meta.db_table} SET status = 'RETRY', result = %(result)s "
            f"WHERE status = 'STARTED' AND task_id IN ({placeholders(ids)})",
            {"result": backend().encode_content(RETRIED_ERROR)[2], **ids},
        )
