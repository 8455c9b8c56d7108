"""A snapshot of the topology is valid as long as the data it was read from."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.core.management import call_command
from django.db import transaction

import offload
from offload.db import database
from offload.fleet.snapshots import snapshot
from offload.models import Queue, Rule
from offload.models.versions import current_version
from tests.integration.beside import together
from tests.integration.world import join, statements

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Django 6.1 has another name for it.
make_savepoint = getattr(transaction, "savepoint_create", transaction.savepoint)


@contextmanager
def rolled_back() -> Iterator[None]:
    """Roll a transaction, or a part of one, back after the block."""
    with transaction.atomic(using=database.alias()):
        yield
        transaction.set_rollback(True, using=database.alias())


def queues() -> list[str]:
    """Return the queues that decisions rest on, without asking for them anew."""
    return sorted(policy.name for policy in snapshot().policies)


def queue(name: str) -> Queue:
    """Add a queue."""
    made: Queue = Queue.objects.create(name=name, topics=[f"{name}/*"])
    return made


def test_threads_that_read_the_same_have_the_same() -> None:
    join()
    mine = snapshot(fresh=True)

    [of_another] = together([snapshot])

    assert of_another is mine
    queue("another")
    assert snapshot() is not mine


def test_a_queue_of_a_transaction_that_was_rolled_back_is_used_by_nobody() -> None:
    assert queues() == []
    with rolled_back():
        queue("undone")
        assert queues() == ["undone"]

    assert queues() == []
    assert offload.submit("undone/a").row.queue == "default"


def test_a_version_that_fell_back_does_not_pass_off_what_it_stood_for() -> None:
    join()
    before = current_version()
    with rolled_back():
        queue("undone")
        assert queues() == ["undone"]
        assert current_version() == before + 1

    queue("done")

    assert current_version() == before + 1
    assert queues() == ["done"]


def test_what_tests_of_one_class_share_is_kept_and_what_each_makes_is_not() -> None:
    with rolled_back():
        queue("shared")
        assert queues() == ["shared"]
        for name in ("first", "second"):
            with rolled_back():
                assert queues() == ["shared"]
                queue(name)
                assert queues() == sorted(["shared", name])
            assert queues() == ["shared"]
        with rolled_back():
            Queue.objects.get(name="shared").delete()
            assert queues() == []
        assert queues() == ["shared"]
    assert queues() == []


def test_a_point_that_is_rolled_back_to_by_hand_counts_as_well() -> None:
    with rolled_back():
        queue("before")
        point = make_savepoint(using=database.alias())
        queue("undone")
        assert queues() == ["before", "undone"]
        transaction.savepoint_rollback(point, using=database.alias())
        queue("after")
        assert queues() == ["after", "before"]


def test_a_change_is_seen_at_once_by_who_made_it_before_and_after_the_commit() -> None:
    assert queues() == []
    with database.atomic():
        queue("done")
        assert queues() == ["done"]
    assert queues() == ["done"]
    queue("later")
    assert queues() == ["done", "later"]


def test_rules_and_instances_are_no_exception() -> None:
    with rolled_back():
        join()
        Rule.objects.create(verb="deny", scope="instance", target="a@b", pattern="a/*")
        current = snapshot().topology
        assert (len(current.instances), len(current.rules)) == (1, 1)

    current = snapshot().topology
    assert (len(current.instances), len(current.rules)) == (0, 0)


def test_a_transaction_that_changed_nothing_reads_nothing_anew() -> None:
    queue("done")
    with database.atomic():
        first = snapshot()
    for _ in range(2):
        with statements() as found, rolled_back():
            assert snapshot() is first
        assert not [one for one in found if "offload" in one]


def test_many_jobs_after_a_change_in_one_transaction_look_for_it_once() -> None:
    with database.atomic():
        queue("done")
        first = snapshot()
        for number in range(20):
            offload.submit("nobody/knows", {"n": number})
        assert snapshot() is first


def test_a_transaction_by_hand_keeps_nothing() -> None:
    assert queues() == []
    transaction.set_autocommit(False, using=database.alias())
    try:
        queue("undone")
        assert queues() == ["undone"]
        transaction.rollback(using=database.alias())
        assert queues() == []
    finally:
        transaction.rollback(using=database.alias())
        transaction.set_autocommit(True, using=database.alias())
    assert queues() == []


def test_tables_that_were_emptied_are_read_anew_whatever_the_version(
    database_alias: str,
) -> None:
    queue("former")
    assert queues() == ["former"]

    call_command("flush", database=database_alias, interactive=False, verbosity=0)

    assert queues() == []
    queue("next")
    assert queues() == ["next"]
