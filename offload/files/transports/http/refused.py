"""The statuses of refused requests, which single ones and batches share."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from offload.files.transports.http.home import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

STATUSES: Mapping[Refusal, int] = MappingProxyType(
    {
        Refusal.FORGED: 403,
        Refusal.EXPIRED: 410,
        Refusal.OVER: 410,
        Refusal.OTHER_DIRECTION: 405,
        Refusal.MISSING: 404,
        Refusal.MALFORMED: 400,
    }
)
