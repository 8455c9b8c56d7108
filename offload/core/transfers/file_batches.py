"""Batches: several small files in one request, each as whole as in a request of its own.

The body is a file after the other: a line with its grant and its size in bytes, then its bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

T = TypeVar("T")

#: The entry of a ticket by which home says that it takes batches; older sites have none.
BATCHED = "batch"
#: A file of up to so many bytes may be one of a batch.
FILE_BYTES_MAX = 1 << 16
#: Files of one batch, and bytes of their contents. With the lines it stays below a MiB, the most
#: that nginx passes on if nothing else is set.
FILES_MAX, CONTENT_BYTES_MAX = 64, 1 << 19
#: Characters of a line.
LINE_MAX = 4_200
#: Bytes of a body.
BODY_BYTES_MAX = CONTENT_BYTES_MAX + FILE_BYTES_MAX + FILES_MAX * LINE_MAX
LINE = re.compile(rb"([A-Za-z0-9_:-]+) ([0-9]{1,6})\n")


class MalformedBatch(Exception):
    """A body that is no batch, from some byte on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchedFile:
    """A file of a batch: its grant, as it came, and its bytes."""

    grant: str
    content: bytes


def written(files: Iterable[BatchedFile]) -> bytes:
    """Return files as the body of a request."""
    parts = ((f"{one.grant} {len(one.content)}\n".encode(), one.content) for one in files)
    return b"".join(part for pair in parts for part in pair)


def read(body: bytes) -> Iterator[BatchedFile]:
    """Yield the files of a body that are there whole; one that was cut may lack the others.

    Raise MalformedBatch at what no batch has.
    """
    place = 0
    while (end := body.find(b"\n", place, place + LINE_MAX) + 1) > 0:
        line = LINE.fullmatch(body[place:end])
        if line is None or (size := int(line[2])) > FILE_BYTES_MAX:
            raise MalformedBatch
        if len(body) < end + size:
            return
        yield BatchedFile(grant=line[1].decode(), content=body[end : end + size])
        place = end + size
    if len(body) - place >= LINE_MAX:
        raise MalformedBatch


def grouped(files: Iterable[tuple[T, int]]) -> Iterator[Sequence[T]]:
    """Yield files, given with their sizes in bytes, in groups that each fit into a batch."""
    group: list[T] = []
    left = CONTENT_BYTES_MAX
    for one, size in files:
        if group and (len(group) == FILES_MAX or size > left):
            yield group
            group, left = [], CONTENT_BYTES_MAX
        group.append(one)
        left -= size
    if group:
        yield group
