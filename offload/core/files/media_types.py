"""The media type of a file: its name's, unless the content contradicts that."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

UNKNOWN, TEXT, ZIP = "application/octet-stream", "text/plain", "application/zip"
#: How all files of a type begin, and no others: it proves the type, and its lack disproves it.
CERTAIN: Mapping[str, tuple[bytes, ...]] = MappingProxyType(
    {
        "application/gzip": (b"\x1f\x8b\x08",),
        "application/pdf": (b"%PDF-",),
        "audio/flac": (b"fLaC",),
        "image/gif": (b"GIF87a", b"GIF89a"),
        "image/jpeg": (b"\xff\xd8\xff",),
        "image/png": (b"\x89PNG\r\n\x1a\n",),
    }
)
#: Shorter signatures are found by chance: in any content, and in text.
SIGNATURE_MIN, TEXT_SIGNATURE_MIN = 4, 9
#: Control characters that text has: tab, line feed, form feed, carriage return, escape.
IN_TEXT = frozenset("\t\n\f\r\x1b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """Bytes in a file that files of a type have."""

    media_type: str
    #: With its dot.
    extension: str
    #: Bytes.
    size: int


def media_type(name: str, claimed: str | None, head: bytes, found: Sequence[Signature]) -> str:
    """Return the media type of a file.

    ``claimed`` is the type that its name means, ``head`` the beginning of its content, and
    ``found`` the signatures in it, the best first.
    """
    certain = next((one for one, begins in CERTAIN.items() if head.startswith(begins)), None)
    if certain is not None:
        return certain
    is_text = _is_text(head)
    good = _good(found, TEXT_SIGNATURE_MIN if is_text else SIGNATURE_MIN)
    if claimed is not None:
        is_disproved = claimed in CERTAIN and good and not _has_extension(name, good)
        return _best(good) if is_disproved else claimed
    return _best(good) if good else TEXT if is_text else UNKNOWN


def _good(found: Sequence[Signature], least: int) -> list[Signature]:
    """Return the signatures that say something about content that is of no certain type."""
    return [
        one
        for one in found
        if one.size >= least and one.media_type and one.media_type not in CERTAIN
    ]


def _best(found: Sequence[Signature]) -> str:
    """Return the type of the best signature; an archive may be of many formats, by its name."""
    types = [one.media_type for one in found]
    return ZIP if ZIP in types else types[0]


def _has_extension(name: str, found: Sequence[Signature]) -> bool:
    return any(one.extension and name.lower().endswith(one.extension) for one in found)


def _is_text(head: bytes) -> bool:
    """Tell whether a file may begin like this as text in UTF-8; an empty one tells nothing."""
    # A character may be cut at the end.
    text = head.decode(errors="replace").rstrip("\ufffd")
    return bool(text) and all(
        character in IN_TEXT or (character >= " " and character not in "\x7f\ufffd")
        for character in text
    )
