"""The result of one step of one asset."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A job of the demo, and the file it made."""

    file: str
    topic: str
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

    def as_json(self) -> dict[str, Any]:
        """Return the row as it stands in the report."""
        return asdict(self)
