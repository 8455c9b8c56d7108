"""Limits on the files that another cluster announces, checked before any is fetched."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidName, InvalidTicket, NoSpace, TooLarge
from offload.core.texts import counted
from offload.core.validation.filenames import NameSet

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from offload.core.transfers.descriptions import FileDescription

GIB = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferLimits:
    """How many files a job may bring, how large, and how much of the disk stays free."""

    #: Files of one job.
    files: int = 1_000
    #: Bytes of one file.
    file_bytes: int = 8 * GIB
    #: Bytes of all files of one job.
    total_bytes: int = 32 * GIB
    #: Bytes of each disk that stay free.
    free_bytes: int = GIB


def check_limits(limits: TransferLimits, files: Sequence[FileDescription]) -> None:
    """Raise TooLarge if files exceed a limit, InvalidTicket if names of two clash."""
    if len(files) > limits.files:
        found = counted(len(files), "file", "files")
        problem = f"the job has {found}, {limits.files:,} are allowed"
        raise TooLarge(name=files[0].name, problem=problem)
    for name, count in Counter(file.name for file in files).items():
        if count > 1:
            raise InvalidTicket(name=name, problem="two files of the job have this name")
    _check_names(file.name for file in files)
    for file in files:
        if file.size > limits.file_bytes:
            raise TooLarge(name=file.name, problem=_excess(file.size, limits.file_bytes))
    total = sum(file.size for file in files)
    if total > limits.total_bytes:
        problem = f"with the others, {_excess(total, limits.total_bytes)}"
        raise TooLarge(name=files[-1].name, problem=problem)


def _check_names(names: Iterable[str]) -> None:
    known = NameSet()
    for name in names:
        try:
            known.add(name)
        except InvalidName as error:
            raise InvalidTicket(name=name, problem=error.problem) from error


def check_space(limits: TransferLimits, *, name: str, needed: int, free: int) -> None:
    """Raise NoSpace if a disk with that many free bytes would have too few left."""
    if needed and free - needed < limits.free_bytes:
        problem = f"{free:,} bytes are free, and {limits.free_bytes:,} of them must stay so"
        raise NoSpace(name=name, problem=f"{needed:,} bytes are needed, {problem}")


def _excess(size: int, most: int) -> str:
    return f"it has {size:,} bytes, {most:,} are allowed"
