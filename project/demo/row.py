"""The result of one step of one asset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

BY_STEPS, WHOLE = "by steps", "whole"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job of the demo, and the file it made."""

    file: str
    #: How the run went: `by steps`, each placed by itself, or `whole` to the other site.
    went: str = BY_STEPS
    topic: str
    #: The site that ran it, and its worker there.
    cluster: str
    instance: str
    state: str
    error: str
    seconds: float | None = None
    bytes: int | None = None
    sha256: str | None = None
    #: The file it made, relative to the project's root.
    path: str | None = None
    width: int | None = None
    height: int | None = None
    #: How its files went to the other site and came back, and how many of their bytes; those that
    #: were there already were not sent.
    transport: str = ""
    bytes_sent: int = 0
    bytes_saved: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the row as it stands in the report."""
        return asdict(self)
