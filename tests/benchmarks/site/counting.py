"""Counting SQL statements, per kind of process, where the environment asks for it.

One line per statement in a file; BEGIN, COMMIT and savepoints are not counted.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

from django.db.backends.signals import connection_created

from tests.benchmarks.site.identity import FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

UNCOUNTED = ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "PRAGMA")


def connect() -> None:
    """Count on every connection that is opened from now on."""
    if os.environ.get("BENCH_COUNT"):
        connection_created.connect(_watch, dispatch_uid="bench.counting")


def _watch(connection: Any, **_: Any) -> None:
    if _count not in connection.execute_wrappers:
        connection.execute_wrappers.append(_count)


def _count(
    execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]
) -> Any:
    counted = [one for one in sql.split(";\n") if not one.startswith(UNCOUNTED)]
    with (FOLDER / f"sql.{role()}").open("a") as file:
        file.writelines(" ".join(one.split())[:200] + "\n" for one in counted)
    return execute(sql, params, many, context)


def role() -> str:
    """Return the role of this process: submitter, worker (with its pool), or agent."""
    program = " ".join(sys.orig_argv)
    if "offload.worker.agent" in program:
        return "agent"
    return "worker" if " worker" in program else "submitter"
