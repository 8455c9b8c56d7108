"""Transactions that were aborted in favour of others are retried."""

from __future__ import annotations

import threading

import pytest
from django.db import OperationalError

from offload.db import conflicts, database
from offload.db.conflicts import retried
from offload.models import Rule, Slot
from offload.rules import editing
from offload.rules.validation import check
from tests.databases import on_postgresql
from tests.integration.beside import together


class Crossing:
    """Two that lock the same rows in opposite order, and surely meet at the first try."""

    def __init__(self) -> None:
        """Make the rows."""
        Slot.objects.create(instance="a"), Slot.objects.create(instance="b")
        self.tries = 0
        self._meeting = threading.Barrier(2)

    def lock(self, first: str, second: str) -> str:
        """Lock both rows."""
        with database.atomic():
            self._take(first)
            self.tries += 1
            if self.tries <= 2:
                self._meeting.wait(30)
            self._take(second)
        return first

    @staticmethod
    def _take(name: str) -> None:
        Slot.objects.select_for_update().get(pk=name)


@on_postgresql
def test_of_two_that_wait_for_each_other_both_get_through() -> None:
    crossing = Crossing()
    lock = retried(crossing.lock)

    done = together([lambda: lock("a", "b"), lambda: lock("b", "a")])

    assert sorted(done) == ["a", "b"]
    # One gives way. Both may, if they find out at the same moment, and may then meet again.
    assert 2 < crossing.tries <= 2 * conflicts.TRIES_MAX


@on_postgresql
def test_inside_of_a_transaction_whoever_began_it_is_told() -> None:
    crossing = Crossing()

    def inside(first: str, second: str) -> str:
        with database.atomic():
            return retried(crossing.lock)(first, second)

    lock = retried(inside)
    done = together([lambda: lock("a", "b"), lambda: lock("b", "a")])

    assert sorted(done) == ["a", "b"]
    # One gives way. Both may, if they find out at the same moment, and may then meet again.
    assert 2 < crossing.tries <= 2 * conflicts.TRIES_MAX


def test_what_fails_for_another_reason_fails_at_once() -> None:
    tries = []

    @retried
    def fail() -> None:
        tries.append(1)
        raise OperationalError("the database is away")

    with pytest.raises(OperationalError, match="away"):
        fail()
    assert len(tries) == 1


@on_postgresql
@pytest.mark.usefixtures("app")
def test_an_operators_verb_that_had_to_give_way_is_begun_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crossing = Crossing()

    def cross(rule: Rule, target: str) -> None:
        crossing.lock(target, "b" if target == "a" else "a")
        check(rule, target)

    monkeypatch.setattr(editing, "check", cross)

    together([lambda: editing.deny("a", "**"), lambda: editing.deny("b", "**")])

    # One gives way. Both may, if they find out at the same moment, and may then meet again.
    assert 2 < crossing.tries <= 2 * conflicts.TRIES_MAX
    assert Rule.objects.count() == 2
