"""The database: whether it answers, has its tables, and keeps transactions apart as needed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import DatabaseError
from django.db.migrations.executor import MigrationExecutor

from offload.core.moments import between
from offload.core.texts import counted
from offload.db import database
from offload.diagnostics.finding import Finding, fail, ok, one_line, warn

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "database"

#: Seconds by which this machine's clock may differ from the database's.
CLOCK_SKEW_SECONDS = 2.0

#: Labels of the apps whose tables are needed, as far as they are installed.
TABLE_APPS = ("offload", "django_celery_results")


def examine() -> Iterator[Finding]:
    """Yield findings about the database; stop if it does not answer."""
    try:
        database.rows("SELECT 1")
    except DatabaseError as error:
        fact = f"The database {database.alias()!r} does not answer: {one_line(error)}"
        yield fail(SUBJECT, fact, f'Start it, or correct DATABASES["{database.alias()}"].')
        return
    yield tables()
    if database.vendor() == "sqlite":
        yield _journal()
    else:
        yield _isolation()
        yield _clock()


def tables() -> Finding:
    """Return whether the migrations of the required tables are applied."""
    executor = MigrationExecutor(database.connection())
    leaves = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] in TABLE_APPS]
    missing = [str(migration) for migration, _ in executor.migration_plan(leaves)]
    if missing:
        count = counted(len(missing), "migration", "migrations")
        fact = f"Tables are missing or old: {count}, {missing[0]} the first."
        return fail(SUBJECT, fact, f"Run: manage.py migrate --database {database.alias()}")
    name = database.connection().settings_dict["NAME"]
    return ok(SUBJECT, f"{database.vendor()} {name} answers and has its tables.")


def _journal() -> Finding:
    mode = str(database.rows("PRAGMA journal_mode")[0][0])
    if mode in {"wal", "memory"}:
        return ok(SUBJECT, f"Its journal is {mode}.")
    fact = f"Its journal is {mode!r}: readers and writers wait for each other."
    return warn(SUBJECT, fact, 'Write "init_command": "PRAGMA journal_mode=WAL" in its OPTIONS.')


def _isolation() -> Finding:
    level = str(database.rows("SHOW transaction_isolation")[0][0])
    if level == "read committed":
        return ok(SUBJECT, f"Its isolation level is {level}.")
    fact = f"Its isolation level is {level!r}; the locks of limited queues need read committed."
    return fail(
        SUBJECT,
        fact,
        "Run: ALTER DATABASE … SET default_transaction_isolation = 'read committed', and see that "
        "neither its role nor DATABASES says otherwise.",
    )


def _clock() -> Finding:
    theirs = database.rows(f"SELECT {database.now()}")[0][0]
    skew = abs(between(datetime.now(UTC), theirs))
    if skew <= CLOCK_SKEW_SECONDS:
        return ok(SUBJECT, "Its clock agrees with this machine's.")
    fact = f"Its clock and this machine's differ by {skew:.0f} s: rules end early or late here."
    return warn(SUBJECT, fact, "Let both machines take their time from NTP.")
