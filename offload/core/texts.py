"""Text that every database can store and every page can show, and names of types."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Longest message that is shown on one line, in characters.
MESSAGE_MAX = 1_000
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"


def printable(text: str) -> str:
    """Return the text with lone surrogates, such as bytes of a file's name, escaped."""
    return text.replace("\x00", "\\x00").encode(errors="backslashreplace").decode()


def as_text(value: object) -> str:
    """Return any value as printable text, or its type if it cannot be converted."""
    try:
        return printable(str(value))
    except BaseException:  # Its own code may raise anything.
        return f"{type(value).__name__}, which cannot be shown as text"


def message(value: object) -> str:
    """Return any value as a message of at most one line; "" for None."""
    return "" if value is None else as_text(value)[:MESSAGE_MAX]


def truncated(text: str, most: int) -> str:
    """Return a text cut to that many characters, with an ellipsis if it was longer."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}{ELLIPSIS}"


def first_line(text: str) -> str:
    """Return the first line of a text, with an ellipsis if it has more."""
    line, _, rest = text.strip().partition("\n")
    return f"{line.rstrip()} {ELLIPSIS}" if rest else line


def counted(count: int, one: str, many: str) -> str:
    """Return a number with the matching words: ``1 job is`` or ``5 jobs are``."""
    return f"{count:,} {one if count == 1 else many}"


def listed(names: Sequence[str], most: int) -> str:
    """Return names as part of a sentence: the first `most`, and how many more there are."""
    more = len(names) - most
    shown = [*names[:most], f"{more} more"] if more > 0 else list(names)
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def place_of(defined: Callable[..., object]) -> str:
    """Return a class or function as ``module.Qualname``, which says where it is defined."""
    return f"{defined.__module__}.{defined.__qualname__}"


def bare(place: str) -> str:
    """Return the name of ``module.Qualname`` without the module; "" for ""."""
    return place.rpartition(".")[2]


def with_type(place: str, text: str) -> str:
    """Return an error's type and text; the text of a KeyError alone is only the key."""
    kind = bare(place)
    return text if not kind or text == kind else f"{kind}: {text}".removesuffix(": ")


def version_of(value: object) -> str:
    """Return a text that differs for different frozen values."""
    return blake2b(repr(value).encode(), digest_size=8).hexdigest()
