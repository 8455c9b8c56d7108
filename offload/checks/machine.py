"""A check of the system that this process runs on."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING

from django.core.checks import Error

if TYPE_CHECKING:
    from django.core.checks import CheckMessage


def check(**_: object) -> list[CheckMessage]:
    """Check that the system has pidfd and packet sockets, by which a worker notices deaths."""
    if platform.system() == "Linux":
        return []
    return [
        Error(
            f"offload runs on Linux, and this is {platform.system() or 'another system'}: workers "
            "need descriptors of processes (pidfd) and packet sockets (SOCK_SEQPACKET).",
            "Run the site and its workers on Linux: on a server, in a container, under WSL 2.",
            id="offload.E013",
        )
    ]
