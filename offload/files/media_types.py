"""Media types of files, by their names and by the signatures in their content."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

import puremagic

from offload.core.files.media_types import Signature, media_type

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Bytes of a file that are looked at.
HEAD_BYTES = 4096


def guess(name: str, source: object, head: bytes) -> str:
    """Return the media type of a file that begins like this.

    Its name tells it, or else the name of the path that it is read from, unless the content is
    surely of another type.
    """
    path = str(source) if isinstance(source, str | Path) else _name_of(source)
    claimed = mimetypes.guess_type(name)[0] or mimetypes.guess_type(path)[0]
    return media_type(name, claimed, head, list(_signatures(head)))


def _name_of(source: object) -> str:
    """Return the name of an open file; "" if it has none."""
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""


def _signatures(head: bytes) -> Iterator[Signature]:
    if not head:
        return
    try:
        found = puremagic.magic_string(head)
    except puremagic.PureError:
        return
    for one in found:
        # Negative offsets count from the end of the file, which this is not.
        if one.offset >= 0:
            yield Signature(
                media_type=one.mime_type, extension=one.extension, size=len(one.byte_match)
            )
