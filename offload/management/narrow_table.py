"""Rows with a remark below each, for narrow terminals."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from offload.management.terminal import as_name, sanitized

if TYPE_CHECKING:
    from collections.abc import Sequence

GAP_COLUMNS = 2
#: Least width of the flexible column.
FLEXIBLE_COLUMNS_MIN = 12


def listing(
    headers: Sequence[str],
    rows: Sequence[Sequence[object]],
    *,
    below: Sequence[str],
    flexible: str,
    width: int,
) -> list[Table | Text]:
    """Return one line per row under the headers, followed by its remark, if any.

    If it is too wide, the ``flexible`` column is folded.
    """
    cells = [[one if isinstance(one, Text) else sanitized(one) for one in row] for row in rows]
    titles = [Text(title, style="bold") for title in headers]
    used = [at for at in range(len(headers)) if any(row[at] for row in cells)]
    shown = [[row[at] for at in used] for row in [titles, *cells]]
    # An empty column is left out; then the first one is folded instead.
    names = [headers[at] for at in used]
    widths = _widths(shown, names.index(flexible) if flexible in names else 0, width)
    made: list[Table | Text] = [_line(shown[0], widths)]
    for row, remark in zip(shown[1:], below, strict=True):
        made.append(_line(row, widths))
        if remark:
            made.append(_remark(remark, widths[0] + GAP_COLUMNS, width))
    return made


def _widths(rows: Sequence[Sequence[Text]], flexible: int, width: int) -> list[int]:
    found = [max(row[at].cell_len for row in rows) for at in range(len(rows[0]))]
    others = sum(found) - found[flexible] + GAP_COLUMNS * (len(found) - 1)
    found[flexible] = min(found[flexible], max(FLEXIBLE_COLUMNS_MIN, width - others))
    return found


def _line(row: Sequence[Text], widths: Sequence[int]) -> Table:
    made = Table.grid(padding=(0, GAP_COLUMNS, 0, 0))
    for size in widths:
        made.add_column(width=size, overflow="fold")
    made.add_row(*map(as_name, row))
    return made


def _remark(text: str, indent: int, width: int) -> Table:
    made = Table.grid()
    made.add_column(width=max(FLEXIBLE_COLUMNS_MIN, width - indent), overflow="fold")
    made.add_row(sanitized(text, "red"))
    outer = Table.grid()
    outer.add_row(Padding(made, (0, 0, 0, indent)))
    return outer
