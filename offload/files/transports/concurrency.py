"""Several files at a time, in a bounded number of threads."""

from __future__ import annotations

from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import TYPE_CHECKING, TypeVar

from django.db import connections

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from threading import Event

T = TypeVar("T")


def side_by_side(tasks: Sequence[Callable[[], T]], *, threads: int, cancelled: Event) -> list[T]:
    """Return the tasks' results, in their order.

    If one raises, set ``cancelled``, begin no other, wait for those that run, and raise its error.
    """
    with ThreadPoolExecutor(max_workers=threads, thread_name_prefix="offload-files") as pool:
        futures = [pool.submit(copy_context().run, _closing, task) for task in tasks]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
        except BaseException:
            _cancel(pool, cancelled)
            raise
        failed = [error for one in futures if one in done and (error := one.exception())]
        if failed:
            _cancel(pool, cancelled)
            raise failed[0]
    return [one.result() for one in futures]


def _closing(task: Callable[[], T]) -> T:
    """Return a task's result; close its connections to databases: its thread ends with the pool."""
    try:
        return task()
    finally:
        connections.close_all()


def _cancel(pool: ThreadPoolExecutor, cancelled: Event) -> None:
    cancelled.set()
    pool.shutdown(cancel_futures=True)
