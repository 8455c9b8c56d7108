"""The verdict on a job whose inputs a peer could not get: its end, or another place (P11)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.core.exceptions import FileProblem, InvalidTicket, NoSpace, SourceCorrupt, TooLarge
from offload.core.peers.contents import CloneRefusal

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The file itself is at fault, wherever the job runs.
OF_THE_FILE = (SourceCorrupt, InvalidTicket)
REFUSALS: Mapping[type[FileProblem], CloneRefusal] = MappingProxyType(
    {NoSpace: CloneRefusal.NO_SPACE, TooLarge: CloneRefusal.TOO_LARGE}
)


def refusal_for(error: FileProblem) -> CloneRefusal | None:
    """Return the reason why the peer refuses the job, so that home binds it anew.

    None if the job must end with the error: no place could get the file.
    """
    if isinstance(error, OF_THE_FILE):
        return None
    return REFUSALS.get(type(error), CloneRefusal.NOT_TRANSFERRED)
