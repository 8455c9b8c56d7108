"""Parts of a file in HTTP: what a request asks for or brings (RFC 9110, 14)."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: The header with the bytes of an upload that home has, as in the IETF's resumable uploads.
OFFSET = "Upload-Offset"
#: The header with home's reason for refusing a request.
REASON = "Offload-Refusal"
#: The header with the version of the protocol that a site speaks.
PROTOCOL = "Offload-Protocol"

# ASCII digits alone: `\d` takes those of every script.
RANGE = re.compile(r"bytes=([0-9]{1,19})-([0-9]{0,19})")
SUFFIX = re.compile(r"bytes=-([0-9]{1,19})")
CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/([0-9]{1,19})")


class Unsatisfiable(Exception):
    """The file has no byte of those that were asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Bytes of a file, from ``start`` up to ``stop``, which is not among them."""

    start: int
    stop: int

    @property
    def size(self) -> int:
        """Return how many bytes it has."""
        return self.stop - self.start

    def header(self, total: int) -> str:
        """Return the value of ``Content-Range`` for a file of that many bytes."""
        return f"bytes {self.start}-{self.stop - 1}/{total}"


def parse_range(header: str, size: int) -> Part | None:
    """Return the part that ``Range`` asks for; None if all of the file is to be sent.

    A header that is malformed, or asks for several parts, is ignored, as RFC 9110 allows. Raise
    Unsatisfiable if the file has none of the bytes.
    """
    if suffix := SUFFIX.fullmatch(header):
        wanted = Part(start=max(size - int(suffix[1]), 0), stop=size)
    elif found := RANGE.fullmatch(header):
        start, last = int(found[1]), int(found[2]) if found[2] else size
        if last < start and found[2]:
            return None
        wanted = Part(start=start, stop=min(last + 1, size))
    else:
        return None
    if wanted.size <= 0:
        raise Unsatisfiable
    return wanted


def parse_content_range(header: str) -> tuple[Part, int] | None:
    """Return the part that ``Content-Range`` names and the size of all; None if it is malformed."""
    found = CONTENT_RANGE.fullmatch(header)
    if found is None:
        return None
    start, last, total = map(int, found.groups())
    if not start <= last < total:
        return None
    return Part(start=start, stop=last + 1), total
