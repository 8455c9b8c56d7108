"""Descriptions of files, and of their transfers for jobs."""

from __future__ import annotations

import enum
import json
import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidName, InvalidTicket
from offload.core.validation.bounds import FILE_BYTES
from offload.core.validation.filenames import check_file_name

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Longest media type, in characters.
MEDIA_TYPE_MAX = 255
DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileDescription:
    """A file as both sides know it: its name, size in bytes, media type and SHA-256.

    Raise InvalidTicket for values that no file can have; the name may come from outside.
    """

    name: str
    size: int
    media_type: str
    sha256: str

    def __post_init__(self) -> None:
        if problem := _problem(self):
            raise InvalidTicket(name=str(self.name)[:300], problem=problem)

    def packed(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "name": self.name,
            "size": self.size,
            "media_type": self.media_type,
            "sha256": self.sha256,
        }


def parse_description(value: object) -> FileDescription:
    """Return the description that another site packed; raise InvalidTicket if it is invalid."""
    keys = FileDescription.__dataclass_fields__.keys()
    if not isinstance(value, dict) or value.keys() != keys:
        raise InvalidTicket(name="", problem="its description has other fields than it should")
    return FileDescription(**value)


def _problem(file: FileDescription) -> str:
    try:
        check_file_name(file.name)
    except InvalidName as error:
        return error.problem
    if file.size not in FILE_BYTES:
        return "its size is not a number of bytes"
    if not _is_media_type(file.media_type):
        return "its media type is invalid"
    if not _is_digest(file.sha256):
        return "its SHA-256 is invalid"
    return ""


def _is_media_type(value: object) -> bool:
    return isinstance(value, str) and value.isprintable() and len(value) <= MEDIA_TYPE_MAX


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and DIGEST.fullmatch(value) is not None


class Direction(enum.StrEnum):
    """Which way a file goes."""

    #: From home to the remote side.
    INPUT = "input"
    #: From the remote side to home.
    OUTPUT = "output"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """One file of one job on its way to, or from, one peer."""

    #: The cluster on the other side, as home calls it.
    peer: str
    job_id: str
    direction: Direction
    file: FileDescription
    #: The binding of the job at home, so that outputs of an older one stay apart.
    epoch: int = 0

    @property
    def key(self) -> str:
        """Return a text of hexadecimal digits that no other transfer has; it can name a file."""
        return sha256(json.dumps(self.packed(), sort_keys=True).encode()).hexdigest()

    def packed(self) -> dict[str, object]:
        """Return it as JSON values."""
        return {
            "peer": self.peer,
            "job_id": self.job_id,
            "direction": self.direction.value,
            "file": self.file.packed(),
            "epoch": self.epoch,
        }


def parse_transfer(value: Mapping[str, object]) -> Transfer:
    """Return a transfer that was packed and signed here; raise InvalidTicket if it is invalid."""
    try:
        return Transfer(
            peer=str(value["peer"]),
            job_id=str(value["job_id"]),
            direction=Direction(str(value["direction"])),
            file=parse_description(value["file"]),
            epoch=int(str(value["epoch"])),
        )
    except (KeyError, ValueError) as error:
        raise InvalidTicket(name="", problem=f"it is no transfer: {error}") from error
