"""A site whose only pages are long bodies, to see what its web server does with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from project.settings import *

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

WSGI_APPLICATION = "tests.acceptance.project.streaming.application"

#: Bytes of a piece, and of a long body.
PIECE = 65_536
LONG = 256 * 2**20


def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    """Send a long body, or say what came: how much, and what was there before the rest."""
    if environ["REQUEST_METHOD"] == "GET":
        start("200 OK", [("Content-Length", str(LONG))])
        return pieces()
    read = environ["wsgi.input"].read
    first = read(PIECE)
    rest = sum(len(piece) for piece in iter(lambda: read(PIECE), b""))
    said = f"{len(first)} {len(first) + rest}".encode()
    start("200 OK", [("Content-Length", str(len(said)))])
    return [said]


def pieces() -> Iterator[bytes]:
    """Yield a long body."""
    for _ in range(LONG // PIECE):
        yield b"x" * PIECE
