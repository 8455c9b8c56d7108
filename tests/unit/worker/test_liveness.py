"""The lease that a parent and its forked children share."""

from __future__ import annotations

import os

from offload.worker.liveness import SharedLease, boottime


def test_a_process_without_an_agent_is_not_limited() -> None:
    assert SharedLease().is_held()


def test_a_lease_is_held_until_its_end() -> None:
    lease = SharedLease()

    lease.extend(boottime() + 60)
    assert lease.is_held()
    assert lease.wait(0)

    lease.extend(boottime() - 1)
    assert not lease.is_held()
    assert not lease.wait(0)


def test_a_child_sees_what_its_parent_extends_later() -> None:
    lease = SharedLease()
    lease.extend(0.0)
    child = os.fork()
    if child == 0:
        os._exit(0 if lease.wait(30) else 1)

    lease.extend(boottime() + 60)

    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
