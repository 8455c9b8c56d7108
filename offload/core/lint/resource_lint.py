"""Queues that use resources which nobody has defined, or of which there is never enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.lint.problems import Problem, ProblemKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from offload.core.placement.topology import Topology
    from offload.core.policies import Policy


def wanting(
    policies: Sequence[Policy], topology: Topology, capacities: Mapping[str, int]
) -> Iterator[Problem]:
    """Yield the amounts of resources that queues and consumers use and that there never are.

    `capacities` is how much there is by hand of each resource.
    """
    asked = {(f"queue {one.name}", one.resources.pairs) for one in policies}
    asked |= {
        (f"task {consumer.task}", consumer.resources.pairs)
        for instance in topology.live
        for consumer in instance.consumers
    }
    for user, pairs in sorted(asked):
        for name, amount in pairs:
            if capacities.get(name, -1) < amount:
                yield _problem(user, name, amount, capacities.get(name))


def _problem(user: str, name: str, amount: int, capacity: int | None) -> Problem:
    fact = (
        f"Nobody has defined the resource {name}, which {user} uses."
        if capacity is None
        else f"No job of {user} ever runs: it uses {amount} of {name}, and there are {capacity}."
    )
    return Problem(
        kind=ProblemKind.RESOURCE_WANTING,
        subject=name,
        fact=fact,
        next_step=f"To give it more: manage.py offload resources set {name} --capacity {amount}",
    )
