"""Output of the command: tables and lines for people, JSON for programs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from offload.management.breaking import Name
from offload.management.encoding import as_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

#: Columns from which a terminal has room to spare.
WIDE_COLUMNS = 120

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

#: Characters by which a text could steer the terminal it is shown on, turn the direction of what
#: stands beside it, or, being half of one, not be shown at all.
CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where a verb's answer goes."""

    console: Console
    #: Whether a program reads it.
    as_json: bool

    @property
    def is_wide(self) -> bool:
        """Tell whether there is room for what can be left out."""
        return self.console.width >= WIDE_COLUMNS

    def answer(self, facts: object, *shown: Table | Text | str) -> None:
        """Print the facts as JSON for programs, or what is shown for people."""
        if self.as_json:
            self.write(as_json(facts, indent=2))
        else:
            self.tell(*shown)

    def report(self, facts: object, *shown: Table | Text | str) -> None:
        """Print one of many answers: a line of JSON, or what is shown."""
        if self.as_json:
            self.write(as_json(facts))
        else:
            self.tell(*shown)

    def tell(self, *shown: Table | Text | str) -> None:
        """Print for people, with no text taken for markup."""
        for one in shown:
            written = plain(one) if isinstance(one, str) else one
            self.console.print(written, soft_wrap=not isinstance(one, Table))

    def write(self, text: str) -> None:
        """Print as it is, at once."""
        self.console.out(text, highlight=False)
        self.console.file.flush()


def plain(value: object, style: str = "") -> Text:
    """Return a value as text that cannot steer the terminal; nothing for None."""
    text = "" if value is None else str(value)
    return Text(CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text), style=style)


def shortened(text: str, most: int) -> str:
    """Return a text of so many characters at most; what is cut off shows as an ellipsis."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}{ELLIPSIS}"


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    fold: Mapping[str, int] = MappingProxyType({}),
) -> Table:
    """Return a table without its empty columns; columns of numbers stand to the right.

    Where it is too wide, the columns of `fold` are folded first, down to the width given there.
    """
    cells = [
        [_cell(one, is_folded=name in fold) for name, one in zip(headers, row, strict=True)]
        for row in rows
    ]
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    used = [index for index in range(len(headers)) if any(_is_shown(row[index]) for row in cells)]
    for index in used:
        is_number = all(isinstance(row[index], int) for row in cells)
        made.add_column(
            headers[index],
            justify="right" if is_number else "left",
            overflow="fold",
            no_wrap=headers[index] not in fold,
            min_width=fold.get(headers[index]),
        )
    for row in cells:
        made.add_row(*[_as_text(row[index]) for index in used])
    return made


def _cell(value: object, *, is_folded: bool) -> Text | int:
    if isinstance(value, int):
        return value
    text = value if isinstance(value, Text) else plain(value)
    return as_name(text) if is_folded else text


def as_name(text: Text) -> Text:
    """Return a text that is broken between its parts, where it is a name and no prose."""
    return text if " " in text.plain else Name(text.plain, style=text.style)


def _is_shown(cell: Text | int) -> bool:
    return isinstance(cell, int) or bool(cell)


def _as_text(cell: Text | int) -> Text:
    return cell if isinstance(cell, Text) else plain(cell)
