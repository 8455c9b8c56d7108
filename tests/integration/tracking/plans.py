"""Plans of statements: whether a question is answered by its index beside thousands of jobs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from django.db import transaction

from offload.db import database
from offload.models import Job
from offload.tracking import terminations
from tests.integration.world import statements, waiting

if TYPE_CHECKING:
    from collections.abc import Callable

FINAL = 5000
#: The text of a plan for a table that is read completely.
WHOLE = re.compile(r"Seq Scan on offload_job\b(?!_)|SCAN offload_job\b(?! USING)")


def slow(ask: Callable[[], object], index: str) -> str:
    """Return how a question is answered if that reads all jobs, or leaves its index aside."""
    with statements() as found, database.atomic():
        ask()
        transaction.set_rollback(True, using=database.alias())
    plans = "\n".join(plan(sql) for sql in found if "offload_job" in sql)
    return "" if re.search(index, plans) and not WHOLE.search(plans) else plans


def history() -> None:
    """Thousands of jobs that ended."""
    waiting(FINAL)
    terminations.drop(list(Job.objects.values_list("pk", flat=True)))
    Job.objects.update(aftermath_due=False)


def analyse() -> None:
    """Let planners know of the rows as they are now."""
    database.execute("VACUUM ANALYZE" if database.vendor() == "postgresql" else "ANALYZE")


def plan(sql: str) -> str:
    if sql.upper().startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SET")):
        return ""
    explain = "EXPLAIN QUERY PLAN" if database.vendor() == "sqlite" else "EXPLAIN"
    with database.connection().cursor() as cursor:
        cursor.execute(f"{explain} {sql.replace('%', '%%')}")
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
