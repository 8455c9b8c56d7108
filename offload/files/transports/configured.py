"""The transports and limits that the site's settings say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.transfers.choice import choose
from offload.core.transfers.limits import TransferLimits

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.transfers.descriptions import FileDescription
    from offload.files.transports.transport import Transport


def limits() -> TransferLimits:
    """Return the limits on files from other clusters."""
    options = settings()
    return TransferLimits(
        files=options.max_files,
        file_bytes=options.max_file,
        total_bytes=options.max_payload,
        free_bytes=options.min_free,
    )


def chosen(
    transports: Mapping[str, Transport], *, peer: str, files: Sequence[FileDescription]
) -> dict[str, str]:
    """Return the name of the transport for each file's name; raise TooLarge if none takes one."""
    available = {name: one.limits for name, one in transports.items()}
    return choose(settings().transports, available, peer=peer, files=files)
