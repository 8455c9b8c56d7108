"""Output of the command: tables and lines for people, JSON for programs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from offload.management.breaking import Name
from offload.management.json_output import as_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

#: From this width on, in columns, a terminal counts as wide.
WIDE_COLUMNS = 120

#: Characters that could steer the terminal or change the writing direction, and lone surrogates,
#: which cannot be shown.
CONTROL_CHARACTERS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """The output of a verb."""

    console: Console
    #: Whether the output is JSON for a program.
    as_json: bool

    @property
    def is_wide(self) -> bool:
        """Tell whether there is room for optional columns."""
        return self.console.width >= WIDE_COLUMNS

    def answer(self, facts: object, *shown: Table | Text | str) -> None:
        """Print the facts as JSON for programs, or the other form for people."""
        if self.as_json:
            self.write(as_json(facts, indent=2))
        else:
            self.show(*shown)

    def report(self, facts: object, *shown: Table | Text | str) -> None:
        """Print one of many answers: a line of JSON, or the form for people."""
        if self.as_json:
            self.write(as_json(facts))
        else:
            self.show(*shown)

    def show(self, *shown: Table | Text | str) -> None:
        """Print for people, without interpreting markup."""
        for one in shown:
            written = sanitized(one) if isinstance(one, str) else one
            self.console.print(written, soft_wrap=not isinstance(one, Table))

    def write(self, text: str) -> None:
        """Print the text unchanged, at once."""
        self.console.out(text, highlight=False)
        self.console.file.flush()


def sanitized(value: object, style: str = "") -> Text:
    """Return a value as text that cannot steer the terminal; empty for None."""
    text = "" if value is None else str(value)
    return Text(CONTROL_CHARACTERS.sub("\N{REPLACEMENT CHARACTER}", text), style=style)


def table(
    headers: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    fold: Mapping[str, int] = MappingProxyType({}),
) -> Table:
    """Return a table without its empty columns; numbers are aligned to the right.

    If it is too wide, the columns of `fold` are folded first, down to the width given there.
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
    text = value if isinstance(value, Text) else sanitized(value)
    return as_name(text) if is_folded else text


def as_name(text: Text) -> Text:
    """Return a text that is broken between its parts if it is a name, not prose."""
    return text if " " in text.plain else Name(text.plain, style=text.style)


def _is_shown(cell: Text | int) -> bool:
    return isinstance(cell, int) or bool(cell)


def _as_text(cell: Text | int) -> Text:
    return cell if isinstance(cell, Text) else sanitized(cell)
