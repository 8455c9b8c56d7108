"""The part of a page that a URL asks for: a search text, problems only, a page, one cell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

T = TypeVar("T")

#: Longest search text, in characters; no name is longer.
FILTER_CHARACTERS_MAX = 255
#: Most digits that a page number may have.
PAGE_DIGITS_MAX = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewState:
    """The part of the matrix that a URL asks for."""

    text: str = ""
    problems: bool = False
    #: The page of rows, from 1.
    page: int = 1
    #: The page of columns, from 1.
    across: int = 1
    #: Instance and topic of the cell that is shown in detail.
    cell: str = ""

    @classmethod
    def of(cls, sent: Mapping[str, object]) -> ViewState:
        """Return the part that a URL or a form asks for; ignore values that make no sense."""
        return cls(
            text=str(sent.get("q", "")).strip()[:FILTER_CHARACTERS_MAX],
            problems="problems" in sent,
            page=_number(sent.get("p")),
            across=_number(sent.get("i")),
            cell=str(sent.get("cell", ""))[: 2 * FILTER_CHARACTERS_MAX + 1],
        )

    @property
    def is_narrow(self) -> bool:
        """Tell whether a search text or a filter leaves anything out."""
        return bool(self.text or self.problems)

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return the parameters of the URL."""
        every = (
            ("q", self.text),
            ("problems", "on" if self.problems else ""),
            ("p", str(self.page) if self.page > 1 else ""),
            ("i", str(self.across) if self.across > 1 else ""),
            ("cell", self.cell),
        )
        return tuple((name, value) for name, value in every if value)

    def query(self, **changed: object) -> str:
        """Return it as a query string, with these fields changed and no cell."""
        fields = {**dict(self.fields), "cell": "", **{k: str(v) for k, v in changed.items()}}
        text = urlencode({name: value for name, value in fields.items() if value})
        return f"?{text}" if text else ""

    def narrowed(self, items: Iterable[T], words: Callable[[T], Iterable[str]]) -> list[T]:
        """Return the items that contain the text in one of their words; ignore case."""
        wanted = self.text.casefold()
        return [one for one in items if any(wanted in word.casefold() for word in words(one))]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListPage(Generic[T]):
    """One page of a list."""

    shown: tuple[T, ...]
    #: Its number, from 1, and the number of pages.
    page: int
    pages: int
    total: int
    #: Positions of the first and the last item on the page, from 1.
    first: int
    last: int

    @classmethod
    def of(cls, items: Sequence[T], *, page: int, size: int) -> ListPage[T]:
        """Return that page of the items, or the last page if there are fewer."""
        pages = max(1, -(-len(items) // size))
        page = min(page, pages)
        start = (page - 1) * size
        shown = tuple(items[start : start + size])
        first, last = start + bool(shown), start + len(shown)
        return cls(shown=shown, page=page, pages=pages, total=len(items), first=first, last=last)

    @property
    def before(self) -> int:
        """Return the number of the page before, or 0."""
        return self.page - 1

    @property
    def after(self) -> int:
        """Return the number of the page after, or 0."""
        return self.page + 1 if self.page < self.pages else 0


def _number(value: object) -> int:
    text = str(value or "")
    return max(1, int(text)) if text.isdecimal() and len(text) <= PAGE_DIGITS_MAX else 1
