"""Statements that change their session, told from those that end with their transaction."""

from __future__ import annotations

import pytest

from offload.core.session_sql import changes_session


@pytest.mark.parametrize(
    "sql",
    [
        "SET search_path TO nowhere",
        "set  role pg_monitor",
        "SET SESSION statement_timeout = 1",
        "SET TIME ZONE 'Asia/Tokyo'",
        "SET default_transaction_read_only = on",
        "/* from a view */ SET ROLE other",
        "-- why\nSET ROLE other",
        "SELECT 1; SET ROLE other",
        "SELECT set_config('app.tenant', %s, false)",
        "SELECT set_config('app.tenant', %s, %s)",
        "RESET ALL",
        "DISCARD ALL",
        "DEALLOCATE ALL",
        "LISTEN changes",
        "DO $$ BEGIN PERFORM 1; END $$",
        "SELECT pg_advisory_lock(42)",
        "SELECT pg_try_advisory_lock_shared(1, 2)",
        "WITH a AS (SELECT 1) SELECT pg_advisory_lock(1) FROM a",
        "CREATE TEMP TABLE scratch (a int)",
        "create local temporary table scratch (a int)",
        "CREATE OR REPLACE TEMP VIEW v AS SELECT 1",
        "SELECT 1 INTO TEMPORARY scratch",
        "CREATE TABLE pg_temp.scratch (a int)",
        "PRAGMA query_only=ON",
        "PRAGMA foreign_keys = OFF",
        "PRAGMA main.synchronous(0)",
        "ATTACH DATABASE 'other' AS other",
        "SELECT GET_LOCK('a', 10)",
        "LOCK TABLES a WRITE",
        "USE other",
        "ALTER SESSION SET NLS_DATE_FORMAT = 'X'",
        b"SELECT 1",
    ],
)
def test_what_stays_after_the_transaction_is_seen(sql: object) -> None:
    assert changes_session(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT 1",
        'UPDATE "a" SET "b" = 1 WHERE "c" = 2',
        "INSERT INTO a (b) VALUES (1) ON CONFLICT (b) DO UPDATE SET b = 2",
        "SET LOCAL statement_timeout = 1",
        "SET TRANSACTION READ ONLY",
        "SET CONSTRAINTS ALL IMMEDIATE",
        "SELECT set_config('app.tenant', %s, true)",
        "SELECT pg_advisory_xact_lock(42)",
        "SELECT pg_advisory_unlock(42)",
        "SELECT name, temperature FROM settings WHERE is_lock_(1)",
        "PRAGMA table_info(offload_job)",
        "PRAGMA main.foreign_key_check('a')",
        "PRAGMA user_version",
        "CREATE TABLE temperature (a int)",
        "LOCK TABLE a IN SHARE MODE",
        "DELETE FROM a; DELETE FROM b",
        "BEGIN IMMEDIATE",
        "document",
        "",
    ],
)
def test_what_ends_with_the_transaction_or_only_asks_is_not(sql: str) -> None:
    assert not changes_session(sql)
