"""The events that listeners of the topology get."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.discovery.differences import difference

if TYPE_CHECKING:
    from offload.core.discovery.differences import TopologyDifference
    from offload.core.discovery.topology_views import TopologyView


class TopologyEventKind(enum.StrEnum):
    """The kinds of events about the topology."""

    # The first event of each listener, and its only one of this kind. It has the new view.
    INIT = "init"
    # Instances came or went, or another one leads. It has the old view, which is not current.
    CHANGING = "changing"
    # The change is over. It has both views.
    CHANGED = "changed"
    # Only facts of instances changed, such as their mode. It has both views.
    PROPERTIES_CHANGED = "properties changed"


@dataclass(frozen=True, slots=True, kw_only=True)
class TopologyEvent:
    """Something that a listener is told about the topology."""

    kind: TopologyEventKind
    #: The view that the listener had before. None for INIT.
    old: TopologyView | None = None
    #: The view that it has from now on. None for CHANGING.
    new: TopologyView | None = None

    @property
    def difference(self) -> TopologyDifference:
        """Return how the two views differ; with INIT, every instance is added.

        It is empty with CHANGING, because nothing is known of the new view yet.
        """
        return difference(self.old, self.new or self.old)
