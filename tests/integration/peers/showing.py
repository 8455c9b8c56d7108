"""Other clusters to look at."""

from __future__ import annotations

from offload.models import Peer
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version

#: The other cluster's instance, as it is named here.
REMOTE = "render/gpu1@host"


def silence() -> None:
    """Let the other cluster be silent."""
    Peer.objects.update(silent_since=DatabaseNow())
    raise_version()
