"""Switching off, and on again, what goes to and comes from other clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext as _

from offload.core.placement.judgement import noted
from offload.models import Peer
from offload.models.change_records import SubjectKind
from offload.operations.changes.change import Change
from offload.operations.changes.change_outcomes import Outcome
from offload.operations.changes.recording import ACTOR_MAX
from offload.rules import peer_switches

if TYPE_CHECKING:
    from offload.core.peers.peer_switches import PeerSwitch
    from offload.operations.changes.actors import Actor

#: The subject of a change of all other clusters.
EVERYBODY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetPeerSwitch(Change[Outcome]):
    """Switch sending, accepting or moving off or on, for one other cluster or for all.

    Raises UnknownPeer for a cluster that the settings do not name, InvalidSwitch for an invalid
    note.
    """

    switch: PeerSwitch
    #: "" for all other clusters.
    peer: str
    on: bool
    #: None keeps the note of a switch that is set so already.
    note: str | None = None

    def make(self, by: Actor | None) -> Outcome:
        """Write the switch, and enforce it."""
        recalled = peer_switches.switch(
            self.switch, self.peer, on=self.on, by=by.name[:ACTOR_MAX] if by else "", note=self.note
        )
        word = "on" if self.on else "off"
        text = _("Switched on: %(what)s") if self.on else _("Switched off: %(what)s")
        told = text % {"what": _what(self.switch, self.peer)}
        return _outcome(f"{self.switch} {word}", self.peer, noted(told, self.note or ""), recalled)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetPeerSwitch(Change[Outcome]):
    """Let the settings say a switch again; raises UnknownPeer."""

    switch: PeerSwitch
    peer: str

    def make(self, by: Actor | None) -> Outcome:
        """Remove what was set, and enforce what the settings say."""
        recalled = peer_switches.reset(self.switch, self.peer)
        text = _("The settings say it again: %(what)s.")
        told = text % {"what": _what(self.switch, self.peer)}
        return _outcome(f"{self.switch} reset", self.peer, told, recalled)


def _what(switch: PeerSwitch, peer: str) -> str:
    doing = switch.doing(peer)
    return f"{doing[:1].lower()}{doing[1:]}"


def _outcome(action: str, peer: str, sentence: str, recalled: int) -> Outcome:
    return Outcome(
        action=action,
        sentence=sentence,
        about=((SubjectKind.PEER, peer or EVERYBODY),),
        rows=list(Peer.objects.filter(pk=peer)),
        recalled=recalled,
    )
