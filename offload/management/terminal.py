"""What the command says: tables and lines for people, JSON for programs."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.core.serializers.json import DjangoJSONEncoder
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

#: Characters by which a text could steer the terminal it is shown on.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """Where a verb's answer goes."""

    console: Console
    #: Whether a program reads it.
    as_json: bool

    def answer(self, facts: object, *shown: Table | Text | str) -> None:
        """Print the facts as JSON for programs, or what is shown for people."""
        if self.as_json:
            self.write(json.dumps(facts, cls=DjangoJSONEncoder, indent=2))
        else:
            self.tell(*shown)

    def report(self, facts: object, *shown: Table | Text | str) -> None:
        """Print one of many answers: a line of JSON, or what is shown."""
        if self.as_json:
            self.write(json.dumps(facts, cls=DjangoJSONEncoder))
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
    return Text(CONTROL.sub("\N{REPLACEMENT CHARACTER}", text), style=style)


def table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> Table:
    """Return a table; columns of numbers stand to the right."""
    rows = [*rows]
    made = Table(box=SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for index, header in enumerate(headers):
        numbers = all(isinstance(row[index], int) for row in rows)
        made.add_column(header, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        made.add_row(*[one if isinstance(one, Text) else plain(one) for one in row])
    return made
