"""The lease of a worker, in one process."""

from __future__ import annotations

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
