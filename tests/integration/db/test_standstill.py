"""A process that stands still in a transaction loses the locks that everybody needs."""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.db import InternalError
from django.test.utils import override_settings

from offload.core.placement.topology import Mode
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet import leadership, membership
from offload.fleet.leadership import leading
from offload.models import Instance
from offload.models.versions import lock_version
from tests.databases import on_postgresql
from tests.integration.beside import Beside
from tests.integration.world import HERE, THERE, join
from tests.polling import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION_IS_FREE = "SELECT 1 FROM offload_version WHERE name = 'topology' FOR UPDATE SKIP LOCKED"
LEASE_IS_FREE = "SELECT 1 FROM offload_lease FOR UPDATE SKIP LOCKED"


@pytest.fixture(autouse=True)
def _soon() -> Iterator[None]:
    """Let a process stand still for a second only."""
    given = {**django_settings.OFFLOAD, "HEARTBEAT": 0.25, "TIMEOUT": 1}
    with override_settings(OFFLOAD=given):
        yield


class Frozen:
    """A transaction that takes a lock, and goes on only when it is woken."""

    def __init__(self) -> None:
        """Begin nothing yet."""
        self.holds, self.woken = threading.Event(), threading.Event()
        self.tries = 0

    def lock_version(self) -> None:
        """Stand still as one who changes the fleet."""
        with database.atomic():
            lock_version()
            self.stand_still()

    def lead(self, term: leadership.Term) -> None:
        """Stand still as a leader who acts."""
        with leading(term):
            self.stand_still()

    def take_the_lead(self, name: str, incarnation: str) -> None:
        """Stand still as a new leader who has not committed yet."""
        with database.atomic():
            leadership.acquire(name, incarnation)
            self.stand_still()

    def stand_still(self) -> None:
        """Wait at the first try, then go on with a statement."""
        self.tries += 1
        if self.tries == 1:
            self.holds.set()
            self.woken.wait(30)
        database.rows("SELECT 1")


def _loses(frozen: Frozen, beside: Beside, is_free: str) -> None:
    assert frozen.holds.wait(30)
    eventually(lambda: database.rows(is_free), what="the lock again")
    frozen.woken.set()
    with pytest.raises(InternalError, match="idle-in-transaction"):
        beside.end()


@on_postgresql
def test_the_version_is_free_again_and_the_silent_are_declared_gone() -> None:
    incarnation = join(HERE)
    frozen = Frozen()

    _loses(frozen, Beside(frozen.lock_version), VERSION_IS_FREE)

    beat = Instance.objects.get(pk=HERE).beat
    assert membership.declare_gone(HERE, incarnation, beat=beat, reason="silent")
    assert Instance.objects.get(pk=HERE).mode == Mode.GONE


@on_postgresql
def test_the_lease_of_a_leader_that_stands_still_in_an_act_is_free_again() -> None:
    term = leadership.acquire(HERE, join(HERE))
    assert term is not None
    frozen = Frozen()

    _loses(frozen, Beside(partial(frozen.lead, term)), LEASE_IS_FREE)


@on_postgresql
def test_a_lease_that_was_taken_without_a_commit_is_free_again() -> None:
    here, there = join(HERE), join(THERE)
    leadership.acquire(HERE, here)
    membership.leave(HERE, here, reason="test", crash=True)
    frozen = Frozen()

    _loses(frozen, Beside(partial(frozen.take_the_lead, THERE, there)), LEASE_IS_FREE)

    assert leadership.acquire(THERE, there) is not None


@on_postgresql
def test_a_change_that_lost_its_lock_is_made_at_the_second_try() -> None:
    join(HERE)
    frozen = Frozen()

    beside = Beside(retried(frozen.lock_version))
    assert frozen.holds.wait(30)
    eventually(lambda: database.rows(VERSION_IS_FREE), what="the lock again")
    frozen.woken.set()
    beside.end()

    assert frozen.tries == 2
