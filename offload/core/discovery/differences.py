"""How two views of the topology differ."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.discovery.topology_views import InstanceView, TopologyView


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyDifference:
    """The instances that only one of two views has, and those of both, in join order.

    A worker that was started anew is another instance: the former one is removed, and it is added.
    """

    #: Instances of the new view alone.
    added: tuple[InstanceView, ...] = ()
    #: Instances of the old view alone.
    removed: tuple[InstanceView, ...] = ()
    #: Instances of both views, as the new one has them.
    retained: tuple[InstanceView, ...] = ()
    #: The retained instances whose mode, labels, properties or other facts differ.
    changed: tuple[InstanceView, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is any difference between the instances."""
        return bool(self.added or self.removed or self.changed)

    def only(self, where: Callable[[InstanceView], bool]) -> TopologyDifference:
        """Return the difference, reduced to the instances for which ``where`` is true.

        ``where`` is a function that takes an `InstanceView`.
        """
        return TopologyDifference(
            added=tuple(filter(where, self.added)),
            removed=tuple(filter(where, self.removed)),
            retained=tuple(filter(where, self.retained)),
            changed=tuple(filter(where, self.changed)),
        )


def difference(old: TopologyView | None, new: TopologyView | None) -> TopologyDifference:
    """Return the difference of two views.

    ``old`` and ``new`` are views; None stands for a view without instances.
    """
    before = {one.key: one for one in old.instances} if old else {}
    after = {one.key: one for one in new.instances} if new else {}
    retained = tuple(one for key, one in after.items() if key in before)
    return TopologyDifference(
        added=tuple(one for key, one in after.items() if key not in before),
        removed=tuple(one for key, one in before.items() if key not in after),
        retained=retained,
        changed=tuple(one for one in retained if _facts(one) != _facts(before[one.key])),
    )


def _facts(one: InstanceView) -> InstanceView:
    """Return the instance's own facts, without its role in the view."""
    return replace(one, is_leader=False, is_local=False)
