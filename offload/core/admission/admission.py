"""Admission: how many more jobs of a queue may be bound now, and why no more."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from offload.core.admission.gates import verdicts
from offload.core.policies import QueueType

if TYPE_CHECKING:
    from datetime import datetime

    from offload.core.admission.gates import GateVerdict, Usage
    from offload.core.policies import Policy
    from offload.core.states import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How many more jobs of a queue may be bound now."""

    # Negative if too many are bound; None for any number.
    n: int | None = None
    # Why no more may be bound; None if some may.
    reason: Waiting | None = None
    # The time at which that changes by itself, if it does.
    again_at: datetime | None = None
    # Whether only the first job in line may be bound.
    in_order: bool = False
    # Whether jobs are chosen by their keys, topics or instances.
    chooses: bool = False
    # One verdict per gate of the queue, in their order.
    gates: tuple[GateVerdict, ...] = ()

    @property
    def is_unlimited(self) -> bool:
        """Tell whether any jobs may be bound, so that nothing is counted."""
        return self.n is None and not self.chooses

    @property
    def is_open(self) -> bool:
        """Tell whether any job may be bound."""
        return self.n is None or self.n > 0

    @property
    def excess(self) -> int:
        """Return how many bound jobs are too many."""
        return max(0, -(self.n or 0))

    @property
    def tightest(self) -> GateVerdict | None:
        """Return the verdict of the gate that lets the fewest through; the first one of equals."""
        counting = [one for one in self.gates if one.n is not None]
        return min(counting, key=_through, default=None)

    @property
    def closed(self) -> tuple[GateVerdict, ...]:
        """Return the verdicts of the gates that let nothing through."""
        return tuple(one for one in self.gates if not one.is_open)

    @property
    def opens_at(self) -> datetime | None:
        """Return the time by which all closed gates open by themselves; None if one does not."""
        times = [one.again_at for one in self.closed]
        known = [one for one in times if one is not None]
        return max(known) if known and len(known) == len(times) else None

    def up_to(self, most: int) -> int:
        """Return how many jobs may be bound if there is room for `most`."""
        return most if self.n is None else max(0, min(self.n, most))


UNLIMITED = Allowance()


def admit(policy: Policy, usage: Usage, now: datetime) -> Allowance:
    """Return how many more jobs of a queue may be bound, given its policy and its usage.

    The gate that lets the fewest through decides, and gives the reason. A gate that depends on
    `now` says in `again_at` when to ask again.
    """
    if policy.is_plain:
        return UNLIMITED
    gates = verdicts(policy, usage, now)
    in_order = policy.type is QueueType.ORDERED
    all_of_it = Allowance(in_order=in_order, chooses=policy.chooses, gates=gates)
    tightest = all_of_it.tightest
    if tightest is None:
        return all_of_it
    return replace(
        all_of_it,
        n=tightest.n,
        reason=None if tightest.is_open else tightest.waiting,
        again_at=tightest.again_at,
    )


def _through(gate: GateVerdict) -> int:
    return gate.n or 0
