"""The switches of what goes to and comes from other clusters: send, accept and move.

Each can be off for one other cluster, and for all of them: what goes on needs both to be on.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from typing import TypeAlias

#: Stands for all other clusters.
ALL = ""


class PeerSwitch(enum.StrEnum):
    """A switch; each leaves alone what runs."""

    #: Whether jobs are bound to the other cluster.
    SEND = "send"
    #: Whether its jobs are taken here.
    ACCEPT = "accept"
    #: Whether what is bound there is taken back, since it is silent or the way there is off.
    MOVE = "move"

    def doing(self, peer: str) -> str:
        """Return the name of the action that can be switched off."""
        return _DOING[self].format(peer or "any other cluster")


_DOING: Mapping[PeerSwitch, str] = {
    PeerSwitch.SEND: "Sending to {}",
    PeerSwitch.ACCEPT: "Accepting jobs from {}",
    PeerSwitch.MOVE: "Moving jobs away from {}",
}

#: A cluster, or ALL, and its switch.
Which: TypeAlias = "tuple[str, PeerSwitch]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The position of a switch, and who put it there."""

    #: The cluster that it is for, or ALL.
    peer: str
    switch: PeerSwitch
    is_on: bool = True
    #: Whether a person set it; otherwise the settings say it.
    is_set: bool = False
    by: str = ""
    since: datetime | None = None
    note: str = ""

    @property
    def sentence(self) -> str:
        """Return that it is off, by whom and since when; "" if it is on."""
        if self.is_on:
            return ""
        by = f" by {self.by}" if self.is_set else " by the settings"
        since = f" since {self.since:%Y-%m-%d %H:%M %Z}".rstrip() if self.since else ""
        note = f": {self.note.rstrip('.')}" if self.note else ""
        return f"{self.switch.doing(self.peer)} is switched off{by}{since}{note}."


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerSwitches:
    """All switches: what people set wins over what the settings say."""

    #: Those that the settings turn off.
    off_by_settings: frozenset[Which] = frozenset()
    set_by_people: Mapping[Which, Position] = field(default_factory=dict, hash=False)

    def position(self, switch: PeerSwitch, peer: str) -> Position:
        """Return the position of one switch; ``peer`` may be ALL."""
        found = self.set_by_people.get((peer, switch))
        is_on = (peer, switch) not in self.off_by_settings
        return found or Position(peer=peer, switch=switch, is_on=is_on)

    def off(self, switch: PeerSwitch, peer: str) -> Position | None:
        """Return the switch that is off, of all clusters or of this one; None if both are on."""
        both = (self.position(switch, ALL), self.position(switch, peer))
        return next((one for one in both if not one.is_on), None)

    def why_off(self, switch: PeerSwitch, peer: str) -> str:
        """Return the sentence about the switch that is off, or "" if it is on."""
        found = self.off(switch, peer)
        return found.sentence if found else ""
