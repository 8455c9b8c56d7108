"""The output of a program as lines of bounded length and number."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field
from itertools import islice

from offload.core.texts import printable

#: Characters of a line that are kept, and of what waits for its end.
LINE_MAX = 500
#: Last lines that an error shows.
LAST_LINES = 20

#: Programs end lines that report progress by a carriage return.
BREAKS = (b"\n", b"\r")
#: Colours and movements of a terminal's cursor.
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(slots=True)
class Lines:
    """Lines of a stream of bytes, as it comes."""

    #: The last ones.
    last: deque[str] = field(default_factory=lambda: deque(maxlen=LAST_LINES))
    _rest: bytes = b""

    def feed(self, chunk: bytes) -> list[str]:
        """Return the lines that a further chunk completes, without empty ones."""
        found = [text for line in self._complete(chunk) if (text := _text(line))]
        self.last.extend(found)
        return found

    def feed_last(self, chunk: bytes) -> list[str]:
        """Return the last lines that a further chunk completes, and read no others."""
        texts = (text for line in reversed(self._complete(chunk)) if (text := _text(line)))
        found = list(islice(texts, LAST_LINES))[::-1]
        self.last.extend(found)
        return found

    def end(self) -> list[str]:
        """Return the last line, if it has no line break."""
        return self.feed(b"\n")

    def _complete(self, chunk: bytes) -> list[bytes]:
        content = self._rest + chunk
        lines = content.splitlines()
        rest = b"" if content.endswith(BREAKS) or not lines else lines.pop()
        # A character of UTF-8 has up to four bytes.
        self._rest = rest[: 4 * LINE_MAX]
        return lines


def _text(line: bytes) -> str:
    text = line.decode(errors="replace")
    if not text.isprintable():
        text = printable(_ESCAPES.sub("", text))
    return text.strip()[:LINE_MAX]
