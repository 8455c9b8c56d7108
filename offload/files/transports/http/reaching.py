"""The question whether another site has the addresses of files: a request without a grant."""

from __future__ import annotations

import time
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from offload.core.transfers.ranges import PROTOCOL

#: Seconds to connect, and for the answer.
SECONDS = 3.0


class Unreachable(Exception):
    """Nothing answers at the address; its text says how that showed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAnswer:
    """An answer to the request."""

    status: int
    #: The place that it leads to; "" if it leads to none.
    leads_to: str
    #: The version of the protocol; "" if that is not said, as by everything but offload.
    protocol: str
    seconds: float


def reach(address: str) -> SiteAnswer:
    """Ask for the addresses of files at a site; raise Unreachable if nothing answers there."""
    begun = time.monotonic()
    timeout = urllib3.Timeout(connect=SECONDS, read=SECONDS)
    try:
        with urllib3.PoolManager(timeout=timeout, retries=False) as pool:
            response = pool.request("HEAD", f"{address.rstrip('/')}/", redirect=False)
    except (HTTPError, OSError) as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    return SiteAnswer(
        status=response.status,
        leads_to=response.headers.get("Location", ""),
        protocol=response.headers.get(PROTOCOL, ""),
        seconds=time.monotonic() - begun,
    )
