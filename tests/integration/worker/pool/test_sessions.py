"""Database sessions: nothing that a run leaves behind reaches the next run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import connections, transaction

from offload.db import database
from offload.models import Job
from offload.worker.pool.session import SessionFault
from offload.worker.pool.session_watch import SessionWatch
from tests.databases import POSTGRESQL, on_postgresql
from tests.integration.fixtures import _app, alarms, app, broker, changes, media  # noqa: F401
from tests.integration.world import statements

if TYPE_CHECKING:
    from collections.abc import Callable

ENTERED, SWITCHED, BEGUN = SessionFault.ENTERED, SessionFault.SWITCHED, SessionFault.BEGUN


def sql(text: str) -> None:
    """Run a statement as a site does."""
    with connections[database.alias()].cursor() as cursor:
        cursor.execute(text)


def watched() -> SessionWatch:
    """Return the watch over a run that begins."""
    watch = SessionWatch()
    watch.begin()
    return watch


def enter() -> None:
    """Enter a block and forget it."""
    transaction.atomic(using=database.alias()).__enter__()
    Job.objects.create(id="uncommitted", topic="a", lane="a")


def enter_twice() -> None:
    """Enter a block inside of another, and forget both."""
    enter()
    transaction.atomic(using=database.alias()).__enter__()


def close_inside() -> None:
    """Close the connection inside of a block."""
    enter()
    database.connection().close()


def switch_off() -> None:
    """Switch autocommit off, write, and forget it."""
    transaction.set_autocommit(False, using=database.alias())
    Job.objects.create(id="uncommitted", topic="a", lane="a")


def begin() -> None:
    """Begin a transaction by hand and forget it."""
    sql("BEGIN")
    sql("DELETE FROM offload_job")


def close_badly() -> None:
    """Close the driver's connection behind Django's back."""
    database.connection().ensure_connection()
    database.connection().connection.close()


LEFT: dict[str, tuple[Callable[[], None], str]] = {
    "a block": (enter, ENTERED),
    "two blocks": (enter_twice, ENTERED),
    "a block that was closed": (close_inside, ENTERED),
    "autocommit": (switch_off, SWITCHED),
    "BEGIN": (begin, BEGUN),
}


def is_as_it_should_be() -> None:
    """Look whether the session of offload's database is fit for another run."""
    connection = database.connection()
    assert not connection.in_atomic_block
    assert not Job.objects.filter(pk="uncommitted").exists()
    assert connection.get_autocommit()
    with database.atomic():
        Job.objects.create(id="next", topic="a", lane="a")
    assert connection.connection is not None
    assert not connection.atomic_blocks
    assert not connection.savepoint_ids


@pytest.mark.parametrize("kind", LEFT)
def test_a_transaction_that_a_run_left_open_is_told_and_rolled_back(kind: str) -> None:
    leave, told = LEFT[kind]
    Job.objects.create(id="before", topic="a", lane="a")
    watch = watched()
    leave()

    assert watch.end() == {database.alias(): told}

    is_as_it_should_be()
    assert Job.objects.filter(pk="before").exists()


@pytest.mark.parametrize("kind", LEFT)
def test_what_is_open_before_a_run_is_closed_and_warned_of(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    leave, told = LEFT[kind]
    leave()

    SessionWatch()

    is_as_it_should_be()
    assert told in caplog.text


def test_a_connection_that_was_closed_badly_is_replaced_and_is_no_failure() -> None:
    watch = watched()
    close_badly()

    assert watch.end() == {}
    is_as_it_should_be()


def test_another_database_is_looked_at_too_also_where_the_run_was_the_first_to_use_it(
    database_alias: str,
) -> None:
    with connections["default"].cursor():
        connections["default"].close()
    watch = watched()
    transaction.set_autocommit(False, using="default")

    assert watch.end() == {"default": SWITCHED}

    assert connections["default"].get_autocommit()


@pytest.mark.parametrize("first", [True, False], ids=["before the run", "in the run"])
def test_a_setting_of_the_session_ends_with_the_run(database_alias: str, first: bool) -> None:
    change, ask, usual = {
        "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only", 0),
        "postgresql": ("SET statement_timeout = 70000", "SHOW statement_timeout", "0"),
    }[database_alias]
    if first:
        database.connection().ensure_connection()
    else:
        database.connection().close()
    watch = watched()
    sql(change)
    assert database.rows(ask) != [(usual,)]

    assert watch.end() == {}

    assert database.rows(ask) == [(usual,)]
    is_as_it_should_be()


@on_postgresql
def test_locks_and_tables_of_a_session_end_with_the_run() -> None:
    watch = watched()
    sql("SELECT pg_advisory_lock(4711)")
    sql("CREATE TEMP TABLE scratch (a int)")

    watch.end()

    assert (
        database.rows(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        == []
    )
    assert database.rows("SELECT to_regclass('scratch')") == [(None,)]


def test_a_setting_for_the_transaction_alone_keeps_the_connection(database_alias: str) -> None:
    database.connection().ensure_connection()
    before = database.connection().connection
    watch = watched()
    with database.atomic():
        if database_alias == POSTGRESQL:
            sql("SET LOCAL statement_timeout = 70000")
        Job.objects.create(id="a", topic="a", lane="a")

    assert watch.end() == {}

    assert database.connection().connection is before


def test_a_wrapper_of_statements_that_a_run_left_is_removed_and_those_before_stay(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def site(execute: Any, *rest: Any) -> Any:
        return execute(*rest)

    def left(execute: Any, *rest: Any) -> Any:
        raise RuntimeError("left over")

    wrappers = database.connection().execute_wrappers
    wrappers.append(site)
    watch = watched()
    with database.connection().execute_wrapper(lambda execute, *rest: execute(*rest)):
        sql("SELECT 1")
    wrappers.append(left)

    assert watch.end() == {}

    assert wrappers == [site]
    assert "left" in caplog.text
    sql("SELECT 1")
    wrappers.clear()


def test_the_watch_over_a_run_that_never_was_ends_with_the_next() -> None:
    database.connection().ensure_connection()
    for _ in range(3):
        watch = watched()
    assert len(database.connection().execute_wrappers) == 1

    watch.end()

    assert database.connection().execute_wrappers == []


def test_a_run_that_leaves_nothing_costs_no_statement_and_no_connection() -> None:
    database.connection().ensure_connection()
    before = database.connection().connection

    with statements() as found:
        watch = watched()
        with database.atomic():
            Job.objects.create(id="a", topic="a", lane="a")
        watch.end()

    assert len([one for one in found if "INSERT" in one]) == 1
    assert len(found) == 3
    assert database.connection().connection is before
    assert database.connection().execute_wrappers == []
