"""Text that every database takes and every page can show, and the names of types in it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Characters of a message that is shown on one line.
MESSAGE_MAX = 1_000


def printable(text: str) -> str:
    """Return the text with what is no character, such as a byte of a file's name, escaped."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()


def told(value: object) -> str:
    """Return any value as printable text; its type where it cannot be shown as text."""
    try:
        return printable(str(value))
    except BaseException:  # Whatever its own code raises.
        return f"{type(value).__name__}, which cannot be shown as text"


def message(value: object) -> str:
    """Return any value as a message of one line's length; nothing for None."""
    return "" if value is None else told(value)[:MESSAGE_MAX]


def counted(count: int, one: str, many: str) -> str:
    """Return a number with the words for it: ``1 job is`` or ``5 jobs are``."""
    return f"{count:,} {one if count == 1 else many}"


def place_of(defined: Callable[..., object]) -> str:
    """Return a class or function as ``module.Qualname``, which says where it is defined."""
    return f"{defined.__module__}.{defined.__qualname__}"


def bare(place: str) -> str:
    """Return the name in ``module.Qualname``, without the module; nothing for nothing."""
    return place.rpartition(".")[2]


def with_type(place: str, text: str) -> str:
    """Return an error's text after its type: that of a KeyError is the key and no more."""
    kind = bare(place)
    return text if not kind or text == kind else f"{kind}: {text}".removesuffix(": ")


def version_of(value: object) -> str:
    """Return a text that differs where a frozen value does."""
    return blake2b(repr(value).encode(), digest_size=8).hexdigest()
