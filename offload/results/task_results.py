"""Celery's results as rows of django-celery-results, written with the changes they belong to."""

from __future__ import annotations

import logging
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.db import router

from offload.conf import settings
from offload.db import database
from offload.db.statements import Statement
from offload.messaging.installation import celery_app
from offload.results.result_backend import backend, bounded, djangos, keeps_values, request_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.results.result_backend import Result

logger = logging.getLogger("offload.results")

#: What a result that says RETRY holds where nobody knows why: Celery reads it as an exception.
RETRIED_ERROR = {
    "exc_module": "celery.exceptions",
    "exc_type": "Retry",
    "exc_message": ["put back"],
}
#: What a backend of a site's own may do its own way; then its own way is taken.
STORING_METHODS = ("store_result", "_store_result", "TaskModel")


@lru_cache(maxsize=1)
def in_transaction() -> bool:
    """Return whether results are rows of the job's own database, and so part of its finish."""
    if not (settings().results_in_transaction and apps.is_installed("django_celery_results")):
        return False
    stores_as_usual = is_usual(type(backend()))
    return stores_as_usual and router.db_for_write(_model()) == database.alias()


def is_usual(kind: type) -> bool:
    """Return whether a backend is that of django-celery-results, and stores as that does."""
    usual = djangos(kind)
    return usual is not None and all(
        getattr(kind, name) is getattr(usual, name) for name in STORING_METHODS
    )


def tracks_started() -> bool:
    """Return whether the site wants STARTED in its result backend."""
    return bool(celery_app().conf.task_track_started)


def _model() -> Any:
    return apps.get_model("django_celery_results", "TaskResult")


def write(result: Result) -> None:
    """Write a result into the database by one statement.

    Only where ``in_transaction`` holds.
    """
    found = upsert(result, where="true")
    database.execute(found.sql, found.params)


def upsert(result: Result, *, where: str) -> Statement:
    """Return the statement that writes a result; a later status replaces an earlier."""
    columns = _columns(result)
    is_start = result.status == "STARTED"
    sql = _upserting(tuple(columns), database.vendor(), where, is_start=is_start)
    return Statement(sql, {f"stored_{name}": value for name, value in columns.items()})


@lru_cache(maxsize=32)
def _upserting(columns: tuple[str, ...], vendor: str, where: str, *, is_start: bool) -> str:
    """Return the text of that statement: put together once, not for every job."""
    names = [*columns, "date_created", "date_done", "date_started"]
    now = database.NOW[vendor]
    kept = ", ".join(f"{name} = excluded.{name}" for name in [*columns, "date_done"])
    table = _model()._meta.db_table
    return (
        f"INSERT INTO {table} ({', '.join(names)}) "
        f"SELECT {', '.join(f'%(stored_{name})s' for name in columns)}, "
        f"{now}, {now}, {now if is_start else 'NULL'} "
        f"WHERE {where} "
        f"ON CONFLICT (task_id) DO UPDATE SET {kept}, "
        f"date_started = COALESCE(excluded.date_started, {table}.date_started)"
    )


def _columns(result: Result) -> dict[str, object]:
    """Return what the backend would store; it drops a traceback where results are not extended."""
    there, request = backend(), request_of(result)
    content_type, content_encoding, content = there.encode_content(result.value)
    meta = {**there._get_meta_from_request(request), "children": list(result.children)}
    return {
        "task_id": result.task_id,
        "status": result.status,
        "result": content,
        "content_type": content_type,
        "content_encoding": content_encoding,
        "meta": there.encode_content(meta)[2],
        **_extended(there, request),
        "traceback": result.traceback,
    }


def _extended(there: Any, request: Any) -> dict[str, object]:
    """Return what the backend stores of a call, which an attempt's start and end both ask for.

    To encode it costs more than all else here, so what the start found serves its end.
    """
    usual: Any = djangos(type(there))
    asks_usual = type(there)._get_extended_properties is usual._get_extended_properties
    said = [getattr(request, name, None) for name in ("argsrepr", "kwargsrepr")]
    if None in said or not asks_usual:
        return dict(there._get_extended_properties(request, None))
    key = (there.app, request.id, request.hostname, *said)
    latest = _latest.found
    if latest is None or latest[0] != key:
        _latest.found = latest = key, there._get_extended_properties(request, None)
    return latest[1]


class _Latest:
    found: tuple[tuple[object, ...], dict[str, object]] | None = None


_latest = _Latest()


def forget(task_ids: Sequence[str]) -> None:
    """Delete results, here or in a backend that lies elsewhere: others take their ids.

    A backend that is out of reach keeps nobody from that.
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
    """Let results that say STARTED say RETRY, for jobs whose attempt was lost."""
    if job_ids and in_transaction() and tracks_started():
        database.execute(
            f"UPDATE {_model()._meta.db_table} SET status = 'RETRY', result = %s "
            f"WHERE status = 'STARTED' AND task_id IN ({database.marks(job_ids)})",
            [backend().encode_content(RETRIED_ERROR)[2], *job_ids],
        )
