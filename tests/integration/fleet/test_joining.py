"""Joining: who gets a name, and what moves with it."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest

from offload.core.placement.topology import Mode
from offload.core.states import Hold, JobState
from offload.db import database
from offload.embedded.process import boot_id
from offload.fleet import membership
from offload.models import Attempt, Instance, Slot
from offload.models.versions import raise_version
from tests.databases import on_postgresql
from tests.integration.beside import Beside, together
from tests.integration.world import HERE, THERE, announcement, bound, join, row, running, states
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.integration.world import Told


@pytest.fixture
def dead_pid() -> int:
    """Return the id of a process that has ended."""
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


def test_who_joins_is_starting_with_what_it_announced() -> None:
    incarnation = membership.join(announcement(labels=["gpu", "a"], facts={"cpus": 8}))

    found = Instance.objects.get(pk=HERE)
    assert (found.incarnation, found.mode) == (incarnation, Mode.STARTING)
    assert (found.pid, found.concurrency, found.window) == (os.getpid(), 2, 4)
    assert (found.labels, found.facts) == (["a", "gpu"], {"cpus": 8})
    assert (found.host, found.boot_id) == (membership.host(), boot_id())


def test_the_order_of_joining_is_kept() -> None:
    join(THERE), join(HERE)

    assert list(Instance.objects.values_list("pk", flat=True)) == [THERE, HERE]


@on_postgresql
@pytest.mark.parametrize("is_first", [False, True], ids=["later", "first of all"])
def test_two_that_join_at_once_have_places_of_their_own(is_first: bool) -> None:
    if not is_first:
        raise_version()

    with database.atomic():
        membership.join(announcement())
        other = Beside(lambda: membership.join(announcement(THERE)))
        eventually(other.waits_or_has_ended)
    other.end()

    joined = Instance.objects.order_by("joined").values_list("pk", "joined")
    assert list(joined) == [(HERE, 1), (THERE, 2)]


def test_a_name_is_in_use_while_its_process_lives() -> None:
    first = join()

    assert membership.join(announcement()) is None
    assert Instance.objects.get(pk=HERE).incarnation == first


def test_a_name_on_another_machine_is_in_use_until_it_is_gone() -> None:
    first = join()
    Instance.objects.update(host="elsewhere", pid=1)

    assert membership.join(announcement()) is None
    membership.leave(HERE, first, reason="test", crash=True)
    assert membership.join(announcement()) not in {None, first}


def test_a_name_on_another_boot_of_this_machine_is_in_use_until_it_is_gone(dead_pid: int) -> None:
    join(pid=dead_pid)
    Instance.objects.update(boot_id="before the power cut")

    assert membership.join(announcement()) is None


def test_a_name_is_free_once_its_process_is_dead(dead_pid: int) -> None:
    first = join(pid=dead_pid)

    assert membership.join(announcement()) not in {None, first}


def test_a_name_is_free_once_its_process_id_was_given_to_another() -> None:
    join()
    Instance.objects.update(pid_started="long ago")

    assert membership.join(announcement()) is not None


def test_what_former_incarnations_held_moves_as_the_name_is_taken(
    dead_pid: int, changes: list[Told]
) -> None:
    first = join(pid=dead_pid)
    queued, run = bound()[0], running()
    changes.clear()

    second = join()

    assert states([queued.id, run.id]) == ["PENDING", "PENDING"]
    assert (row(queued.id).crashes, run.row.crashes, run.row.hold) == (0, 1, Hold.SUSPECT)
    assert Attempt.objects.get().incarnation == first
    assert sorted(one.old for one in changes) == ["ACTIVE", "QUEUED"]
    assert second != first


def test_a_name_that_is_not_taken_moves_nothing() -> None:
    join()
    job = bound()[0]

    assert membership.join(announcement()) is None
    assert row(job.id).state == JobState.QUEUED


def test_joining_fails_as_a_whole(dead_pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    first = join(pid=dead_pid)
    job = bound()[0]

    def fail() -> None:
        raise RuntimeError("no version")

    monkeypatch.setattr(membership, "raise_version", fail)
    with pytest.raises(RuntimeError):
        membership.join(announcement())

    assert Instance.objects.get(pk=HERE).incarnation == first
    assert row(job.id).state == JobState.QUEUED


@on_postgresql
def test_of_many_that_take_a_dead_one_s_name_at_once_one_has_it(dead_pid: int) -> None:
    join(pid=dead_pid)

    found = together([lambda: membership.join(announcement())] * 6)

    assert sum(one is not None for one in found) == 1


@on_postgresql
def test_of_many_that_take_a_new_name_at_once_one_has_it() -> None:
    # A name whose instance was removed from the list may have left its slot row.
    Slot.objects.create(pk="new1@host")
    for number in range(5):
        mine = announcement(f"new{number}@host")

        found = together([partial(membership.join, mine)] * 4)

        assert sum(one is not None for one in found) == 1
