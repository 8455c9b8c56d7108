"""Events of instances."""

from __future__ import annotations

from dataclasses import dataclass

from offload.core.placement.topology import Mode


@dataclass(frozen=True, slots=True)
class ModeChange:
    """An instance changed its mode."""

    #: The instance's name.
    name: str
    #: Identifies this start of that name.
    incarnation: str
    #: The mode it is in now.
    mode: Mode
    #: Why, in words.
    reason: str
    #: Whether it is gone without having said goodbye, so that what it ran counts as crashed.
    crashed: bool = False
    #: How many jobs were taken back from it because it is gone.
    moved: int = 0

    @property
    def is_gone(self) -> bool:
        """Return whether this incarnation has left for good."""
        return self.mode == Mode.GONE

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {
            "name": self.name,
            "incarnation": self.incarnation,
            "mode": self.mode,
            "reason": self.reason,
        }
