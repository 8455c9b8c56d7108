"""Files of jobs: named, typed, sized and hashed on their way into a Django storage."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from errno import ENAMETOOLONG
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

from django.core.files import File
from uuid_utils import uuid7

from offload.conf import settings
from offload.core.exceptions import InvalidFile, MissingFile, UnreadableFile
from offload.core.validation.filenames import NameSet, check_file_name
from offload.files.media_types import HEAD_BYTES, guess
from offload.files.rollback_cleanup import remove_on_rollback
from offload.files.storing import naming, remove, remove_folder, store
from offload.models import Payload, PayloadFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Buffer: TypeAlias = "bytes | bytearray | memoryview"
#: The sources of a file: a path, its bytes, or an open file.
Source: TypeAlias = "str | Path | bytes | IO[bytes] | File[Any]"

PAYLOAD_CHUNK_BYTES = 1 << 20
#: Longest media type, in characters.
MEDIA_TYPE_MAX = 255
BY_NAME = "Pass a dict of names and what to read: files={'photo.jpg': 'path/to/photo.jpg'}."
READ_IT = "Open it for reading bytes, and pass the open file."


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A stored file that has no row yet."""

    name: str
    size: int
    media_type: str
    sha256: str
    location: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The files of a new payload."""

    id: str
    storage: str
    files: tuple[Stored, ...]


@contextmanager
def saving(files: Mapping[str, Source]) -> Iterator[Saved]:
    """Store files for the block that records them; remove them if the block fails.

    Raise InvalidName or MissingFile before anything is written. Raise UnreadableFile or
    FileNotStored with every written file removed.
    """
    check(files)
    payload_id, alias = str(uuid7()), settings().storage
    stored: list[Stored] = []
    try:
        stored.extend(put(alias, payload_id, name, source) for name, source in files.items())
        yield Saved(id=payload_id, storage=alias, files=tuple(stored))
    except BaseException:
        _remove(alias, payload_id, stored)
        raise
    remove_on_rollback(lambda: _remove(alias, payload_id, stored))


def _remove(alias: str, payload_id: str, stored: Iterable[Stored]) -> None:
    remove(alias, [one.location for one in stored])
    remove_folder(alias, payload_id)


def check(files: object) -> None:
    """Raise InvalidName for invalid or clashing names, MissingFile for a path that does not exist.

    Raise InvalidFile for a value that is not a path, bytes or an open file, or for the path of a
    folder; UnreadableFile if a folder's permissions hide the file.
    """
    if not isinstance(files, Mapping):
        raise InvalidFile(
            name=None, problem=f"it is of type {type(files).__name__}", instead=BY_NAME
        )
    names = NameSet()
    for name, source in files.items():
        names.add(check_file_name(name))
        if not isinstance(source, str | Path | bytes) and not hasattr(source, "read"):
            raise InvalidFile(name=name, problem=f"it is of type {type(source).__name__}")
        if isinstance(source, str | Path):
            _check_path(name, Path(source))


def _check_path(name: str, path: Path) -> None:
    with file_errors(str(path)):
        if path.is_file():
            return
        if not path.exists():
            raise MissingFile(name=str(path))
        kind = "a folder" if path.is_dir() else "no regular file"
    instead = "Pass its files one by one, or an archive of it." if path.is_dir() else READ_IT
    raise InvalidFile(name=name, problem=f"{str(path)!r:.300} is {kind}", instead=instead)


def check_media_type(name: str, media_type: object) -> None:
    """Raise InvalidFile for a media type that cannot be stored; None will be guessed."""
    is_text = isinstance(media_type, str) and media_type.isprintable()
    if media_type is not None and not (is_text and len(str(media_type)) <= MEDIA_TYPE_MAX):
        raise InvalidFile(name=name, problem=f"{media_type!r:.100} is not a media type")


def put(
    alias: str, folder: str, name: str, source: Source, media_type: str | None = None
) -> Stored:
    """Copy one file into the storage and hash it on the way, in constant memory.

    Raise MissingFile or UnreadableFile if it cannot be read, FileNotStored if it cannot be written;
    then nothing is left of it.
    """
    with (
        _opened(name, source) as given,
        tempfile.SpooledTemporaryFile(max_size=PAYLOAD_CHUNK_BYTES) as spool,
    ):
        digest = sha256()
        for chunk in _chunks(name, source, given):
            digest.update(chunk)
            with naming(alias, name):
                spool.write(chunk)
        size = spool.tell()
        spool.seek(0)
        media_type = media_type or guess(name, source, spool.read(HEAD_BYTES))
        spool.seek(0)
        location = store(alias, f"{folder}/{uuid7()}", File(spool), name=name)
    return Stored(
        name=name,
        size=size,
        media_type=media_type,
        sha256=digest.hexdigest(),
        location=location,
    )


@contextmanager
def file_errors(name: str) -> Iterator[None]:
    """Turn the system's errors in the block into MissingFile or UnreadableFile."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise InvalidFile(name=name, problem="it was opened as text") from error
    except FileNotFoundError as error:
        raise MissingFile(name=name) from error
    except OSError as error:
        if error.errno == ENAMETOOLONG:  # Somebody passed the content as text.
            raise MissingFile(name=name) from error
        raise UnreadableFile(name=name, problem=error.strerror or str(error)) from error


def _chunks(name: str, source: Source, given: Any) -> Iterator[Buffer]:
    while True:
        with file_errors(_label(name, source)):
            chunk = given.read(PAYLOAD_CHUNK_BYTES)
        if not isinstance(chunk, bytes | bytearray | memoryview):
            raise InvalidFile(name=name, problem=f"reading it gives {type(chunk).__name__}")
        if not chunk:
            return
        yield chunk


def _label(name: str, source: Source) -> str:
    """Return the name of the file for people: its path, if it has one."""
    return str(source) if isinstance(source, str | Path) else name


@contextmanager
def _opened(name: str, source: Source) -> Iterator[Any]:
    if isinstance(source, bytes):
        yield BytesIO(source)
    elif isinstance(source, str | Path):
        with ExitStack() as stack:
            with file_errors(_label(name, source)):
                file = stack.enter_context(Path(source).open("rb"))
            yield file
    else:
        yield source


def record(saved: Saved) -> None:
    """Store the rows of a payload and its files."""
    Payload.objects.create(id=saved.id, storage=saved.storage)
    PayloadFile.objects.bulk_create(
        PayloadFile(payload_id=saved.id, **asdict(one)) for one in saved.files
    )


def copy(file: PayloadFile, target: IO[bytes]) -> None:
    """Write a payload file's content into an open file."""
    with file.open() as source:
        shutil.copyfileobj(source, target, PAYLOAD_CHUNK_BYTES)
