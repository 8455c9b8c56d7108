"""Sources of files: opened, and verified before the other side can see them."""

from __future__ import annotations

from contextlib import contextmanager
from hashlib import sha256
from typing import IO, TYPE_CHECKING, Any

from offload.core.exceptions import FileProblem, SourceCorrupt, TransferFailed
from offload.files.transports.staging import digest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.transfers.descriptions import FileDescription
    from offload.files.transports.transport import Source


def check_source(file: FileDescription, source: Source) -> None:
    """Raise SourceCorrupt if a file is gone or not the announced one; TransferFailed if unreadable.

    It is read once, in constant memory.
    """
    with content_of(file, source) as content:
        _check(file, digest(content))


def verified(file: FileDescription, source: Source) -> bytes:
    """Return the bytes of a small file; raise as `check_source` does."""
    with content_of(file, source) as content:
        found: bytes = content.read(file.size + 1)
    _check(file, sha256(found).hexdigest())
    return found


def _check(file: FileDescription, found: str) -> None:
    if found != file.sha256:
        raise SourceCorrupt(name=file.name, problem=f"its SHA-256 is {found[:12]}… here")


@contextmanager
def content_of(file: FileDescription, source: Source) -> Iterator[IO[bytes] | Any]:
    """Open a file; turn errors of its storage in the block into the closed list."""
    try:
        with source.open() as content:
            yield content
    except FileProblem:
        raise
    except FileNotFoundError as error:
        raise SourceCorrupt(name=file.name, problem="it is no longer there") from error
    # A storage may be built on any library, with errors of its own.
    except Exception as error:
        raise TransferFailed(name=file.name, problem=f"it cannot be read: {error}") from error
