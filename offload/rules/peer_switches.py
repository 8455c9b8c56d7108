"""Switches of what goes to and comes from other clusters: set by people, in force at once."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError

from offload.conf import peers
from offload.core.exceptions import InvalidSwitch, UnknownPeer
from offload.core.peers.peer_switches import ALL, PeerSwitch
from offload.db import database
from offload.db.conflicts import retried
from offload.models import LinkSwitch
from offload.models.fields import DatabaseNow
from offload.rules.enforcement import enforce
from offload.rules.validation import no_nul


@retried
def switch(which: PeerSwitch, peer: str, *, on: bool, by: str = "", note: str | None = None) -> int:
    """Set a switch of a cluster, or of ALL; one that is set so already gets a new note at most.

    Return how many jobs were taken back. Raise UnknownPeer for a cluster that the settings do not
    name, InvalidSwitch for an invalid note.
    """
    key = _key(which, peer)
    _check(LinkSwitch(**key, is_on=on, by=by, note=note or ""))
    with database.atomic():
        same = LinkSwitch.objects.filter(**key, is_on=on)
        if not same.exists():
            fields = {"is_on": on, "by": by, "note": note or "", "since": DatabaseNow()}
            LinkSwitch.objects.update_or_create(**key, defaults=fields)
        elif note is not None:
            same.update(note=note)
        return enforce()


@retried
def reset(which: PeerSwitch, peer: str) -> int:
    """Let the settings say a switch again; return how many jobs were taken back.

    Raise UnknownPeer for a cluster that the settings do not name.
    """
    key = _key(which, peer)
    with database.atomic():
        LinkSwitch.objects.filter(**key).delete()
        return enforce()


def _key(which: PeerSwitch, peer: str) -> dict[str, Any]:
    """Return the key of the row; raise UnknownPeer."""
    known = peers().by_name
    if peer != ALL and peer not in known:
        raise UnknownPeer(name=peer, known=known)
    return {"peer": peer, "switch": which.value}


def _check(row: LinkSwitch) -> None:
    try:
        no_nul(row.note)
        row.clean_fields()
    except ValidationError as error:
        raise InvalidSwitch(switch=row.switch, problem=" ".join(error.messages)) from error
