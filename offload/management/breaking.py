"""Breaking long names in narrow columns: between their parts, not inside a word."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.containers import Lines
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

#: A part of a topic, or of a nodename, with the separator behind it.
NAME_PART = re.compile(r"[^/@]*[/@]|[^/@]+")


class Name(Text):
    """Topics and nodenames, one per line; a long line is broken after a / or an @."""

    def wrap(self, console: Console, width: int, **options: Any) -> Lines:
        """Return the lines; a part that is too wide by itself is broken anywhere."""
        made = Lines()
        for line in self.split(allow_blank=True):
            for piece in line.divide(list(breaks(line.plain, width))):
                made.extend(Text.wrap(piece, console, width, **options))
        return made


def breaks(text: str, width: int) -> Iterator[int]:
    """Yield the positions at which a line is broken, with as many parts per line as fit."""
    begin = 0
    for part in NAME_PART.finditer(text):
        if part.start() > begin and part.end() - begin > width:
            begin = part.start()
            yield begin
