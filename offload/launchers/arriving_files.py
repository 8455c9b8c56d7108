"""Files that arrive: their size and the beginning of their content."""

from __future__ import annotations

import io
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from offload.core.exceptions import InvalidFile
from offload.files import payloads
from offload.files.media_types import HEAD_BYTES, guess

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.files import File

    from offload.files.payloads import Source


class Look(NamedTuple):
    """The facts of a file that are known without reading all of it."""

    #: Bytes.
    size: int
    media_type: str


@contextmanager
def opened(name: str, source: Source) -> Iterator[IO[bytes] | File[Any]]:
    """Yield the file of a source, which can be read again from its beginning.

    ``name`` is the last part of its path. Raise MissingFile, UnreadableFile or InvalidFile.
    """
    payloads.check({name: source})
    if isinstance(source, bytes):
        yield io.BytesIO(source)
    elif isinstance(source, str | Path):
        with payloads.file_errors(str(source)), Path(source).open("rb") as file:
            yield file
    elif getattr(source, "seekable", lambda: False)():
        yield source
    else:
        raise InvalidFile(name=name, problem="it cannot be read twice", instead=payloads.READ_IT)


def look(path: str, file: IO[bytes] | File[Any]) -> Look:
    """Return size and media type of an open file, and rewind it."""
    size = file.seek(0, io.SEEK_END) or file.tell()
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    return Look(size=size, media_type=guess(path, path, head))
