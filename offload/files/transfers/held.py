"""Contents that this side has already, by their SHA-256."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.files.transports.transport import Source
from offload.models import PayloadFile

if TYPE_CHECKING:
    from offload.core.transfers.descriptions import FileDescription


def held(file: FileDescription) -> Source | None:
    """Return where the same content lies here, or None; it may be deleted at any moment."""
    same = PayloadFile.objects.filter(sha256=file.sha256, size=file.size)
    found = same.select_related("payload").order_by("-pk").first()
    return None if found is None else source_of(found)


def source_of(file: PayloadFile) -> Source:
    """Return a stored file as the source of a transfer."""
    return Source(open=file.open, storage=file.payload.storage, location=file.location)
