"""All worlds of a small model, and those from which its end can be reached."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable

W = TypeVar("W", bound="Hashable")


def explored(
    start: W,
    steps: Callable[[W], Iterable[W]],
    is_end: Callable[[W], bool],
    counts: Callable[[W, W], bool] = lambda _world, _then: True,
) -> tuple[set[W], set[W]]:
    """Return all worlds, and those from which an end can be reached by the steps that count."""
    seen, queue = {start}, deque([start])
    before: dict[W, set[W]] = {}
    while queue:
        world = queue.popleft()
        for then in steps(world):
            if counts(world, then):
                before.setdefault(then, set()).add(world)
            if then not in seen:
                seen.add(then)
                queue.append(then)
    good = {one for one in seen if is_end(one)}
    queue = deque(good)
    while queue:
        for earlier in before.get(queue.popleft(), ()):
            if earlier not in good:
                good.add(earlier)
                queue.append(earlier)
    return seen, good
