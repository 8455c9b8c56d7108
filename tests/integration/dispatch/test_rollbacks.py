"""A submit that is rolled back leaves neither rows nor files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from django.db import DataError, connections, transaction

import offload
from offload.core.exceptions import InvalidProperties
from offload.core.states import JobState
from offload.models import Job, Payload, PayloadFile
from offload.tracking.drafts import ROWS_PER_STATEMENT
from tests.databases import on_postgresql
from tests.integration.dispatch.stored import files
from tests.integration.world import TOPIC

if TYPE_CHECKING:
    from pathlib import Path


class RolledBack(Exception):
    """The transaction of a test is rolled back."""


def test_of_many_jobs_all_are_stored_or_none() -> None:
    many = (
        {"n": n} if n < ROWS_PER_STATEMENT + 20 else {"n": object()}
        for n in range(ROWS_PER_STATEMENT + 50)
    )

    with pytest.raises(InvalidProperties):
        offload.submit_many(TOPIC, many)

    assert not Job.objects.exists()


def test_a_statement_that_fails_takes_the_ones_before_it_along(database_alias: str) -> None:
    many = [{"n": n} for n in range(ROWS_PER_STATEMENT + 50)]

    def fail_second(execute: Any, sql: str, *args: Any) -> Any:
        if sql.startswith("INSERT") and Job.objects.exists():
            raise RolledBack
        return execute(sql, *args)

    with (
        connections[database_alias].execute_wrapper(fail_second),
        pytest.raises(RolledBack),
    ):
        offload.submit_many(TOPIC, many, delay=1)

    assert not Job.objects.exists()


def test_a_rollback_leaves_neither_row_nor_file(database_alias: str, media: Path) -> None:
    with transaction.atomic(using=database_alias):
        offload.submit(TOPIC, files={"original": b"pixels"})
        transaction.set_rollback(True, using=database_alias)

    assert not Job.objects.exists()
    assert not Payload.objects.exists()
    assert files(media) == []


def test_a_rollback_to_a_savepoint_leaves_neither_row_nor_file(
    database_alias: str, media: Path
) -> None:
    with transaction.atomic(using=database_alias):
        kept = offload.submit(TOPIC, files={"kept": b"pixels"})
        with transaction.atomic(using=database_alias):
            offload.submit(TOPIC, files={"gone": b"pixels"})
            transaction.set_rollback(True, using=database_alias)

    assert [job.pk for job in Job.objects.all()] == [kept.id]
    assert PayloadFile.objects.get().name == "kept"
    assert len(files(media)) == 1


def test_files_stay_when_something_else_fails_after_the_commit(
    database_alias: str, media: Path
) -> None:
    def fail() -> None:
        raise RolledBack

    @transaction.atomic(using=database_alias)
    def submit() -> None:
        transaction.on_commit(fail, using=database_alias)
        offload.submit(TOPIC, files={"original": b"pixels"})

    with pytest.raises(RolledBack):
        submit()

    assert Job.objects.get().state == JobState.PENDING
    with PayloadFile.objects.get().open() as file:
        assert file.read() == b"pixels"


@on_postgresql
def test_a_transaction_that_failed_in_the_database_leaves_no_file(
    database_alias: str, media: Path
) -> None:
    @transaction.atomic(using=database_alias)
    def submit() -> None:
        offload.submit(TOPIC, files={"original": b"pixels"})
        connections[database_alias].cursor().execute("SELECT 1 / 0")

    with pytest.raises(DataError):
        submit()

    assert files(media) == []
