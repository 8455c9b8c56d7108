"""The jobs at each instance, counted, and the order of candidates that is kept by their number.

To look at every candidate for each job would cost in proportion to the fleet.
"""

from __future__ import annotations

from collections.abc import Mapping
from heapq import heapify, heappop, heapreplace
from typing import TYPE_CHECKING

from offload.core.placement.cluster_order import has_room, precedence, share

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.placement.planning import Candidate, Group, Plan
    from offload.core.policies import ClusterOrder


class Loads(Mapping[str, int]):
    """The number of jobs bound to each instance, by name; those that it does not name have none.

    It never changes. It remembers the order of the candidates of each plan that it was asked about,
    and hands that on to the one that `plus()` makes of it.
    """

    __slots__ = ("_counts", "_lines")

    def __init__(self, counts: Mapping[str, int]) -> None:
        self._counts = dict(counts)
        self._lines: dict[tuple[Plan | Group, ClusterOrder], _Line] = {}

    def __getitem__(self, name: str) -> int:
        return self._counts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._counts)

    def __len__(self) -> int:
        return len(self._counts)

    def plus(self, name: str, jobs: int) -> Loads:
        """Return the loads with so many more jobs at an instance."""
        grown = Loads(self._counts)
        grown._counts[name] = self._counts.get(name, 0) + jobs
        # Loads only grow, so an order that was right needs to be corrected at its head alone.
        grown._lines, self._lines = self._lines, {}
        return grown

    def first(self, planned: Plan, order: ClusterOrder) -> Candidate | None:
        """Return the candidate with room that comes first, or None if there is none."""
        place = self._line(planned, order).first(self._counts)
        return None if place is None else planned.candidates[place]

    def has_choice(self, planned: Plan, order: ClusterOrder) -> bool:
        """Tell whether several candidates have room."""
        return self._line(planned, order).has_choice(self._counts)

    def _line(self, planned: Plan, order: ClusterOrder) -> _Line:
        need = planned.need
        # Without a choice of their own, all that the same instances can run share one order.
        key = (planned if need.first or need.prefers else planned.group), order
        found = self._lines.get(key)
        if found is None:
            found = self._lines[key] = _Line(planned, order, self._counts)
        return found


class _Line:
    """The instances with room as a heap; its head is corrected when it is asked for."""

    __slots__ = ("_heap",)

    def __init__(self, planned: Plan, order: ClusterOrder, load: Mapping[str, int]) -> None:
        self._heap = [
            (precedence(planned.need, one, order), share(one, load), place, one)
            for place, one in enumerate(planned.group.instances)
            if has_room(one, load)
        ]
        heapify(self._heap)

    def first(self, load: Mapping[str, int]) -> int | None:
        """Return the place of the first one among the candidates, or None."""
        heap = self._heap
        while heap:
            rank, known, place, one = heap[0]
            used = share(one, load)
            if used == known:
                return place
            if used < 1:
                heapreplace(heap, (rank, used, place, one))
            else:
                heappop(heap)
        return None

    def has_choice(self, load: Mapping[str, int]) -> bool:
        roomy = (one for *_, one in self._heap if has_room(one, load))
        return next(roomy, None) is not None and next(roomy, None) is not None
