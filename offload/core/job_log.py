"""The log of an attempt: its last lines, and how often they may be written."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from offload.core.texts import as_text, truncated

#: Longest line that is kept, and all lines of an attempt together, in characters.
LINE_MAX, LOG_MAX = 4_000, 64_000
LEVEL_MAX = 16
#: Writes that a log may make at once, and seconds until it may make another one.
BURST, REFILL_SECONDS = 10.0, 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line of a job's log."""

    at: datetime
    level: str
    text: str

    @classmethod
    def of(cls, text: object, level: object, at: datetime) -> LogLine:
        """Return a line of any values, in a form that can be stored and shown."""
        name = as_text(level).upper()[:LEVEL_MAX]
        return cls(at=at, level=name, text=truncated(as_text(text).rstrip(), LINE_MAX))

    @classmethod
    def read(cls, kept: object) -> LogLine | None:
        """Return the line in a stored value, or None if it is unreadable."""
        try:
            at, level, text = _parts(kept)
            return cls.of(text, level, datetime.fromtimestamp(float(at), UTC))
        except (TypeError, ValueError, OverflowError, OSError):
            return None

    def packed(self) -> list[Any]:
        """Return it as JSON values."""
        return [round(self.at.timestamp(), 3), self.level, self.text]


def _parts(kept: Any) -> tuple[Any, Any, Any]:
    at, level, text = kept
    return at, level, text


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLog:
    """The log of an attempt, as it is stored: its last lines, and the number of all."""

    lines: tuple[LogLine, ...]
    count: int

    @classmethod
    def read(cls, lines: object, count: object) -> JobLog:
        """Return the log in stored values, without what is unreadable."""
        given = lines if isinstance(lines, Sequence) and not isinstance(lines, str) else ()
        found = tuple(line for one in given if (line := LogLine.read(one)) is not None)
        known = count if isinstance(count, int) and not isinstance(count, bool) else 0
        return cls(lines=found, count=max(known, len(found)))

    @classmethod
    def unpacked(cls, packed: object) -> JobLog | None:
        """Return the log in a message, or None if it has none."""
        if not isinstance(packed, Mapping):
            return None
        found = cls.read(packed.get("lines"), packed.get("count"))
        return found if found.lines else None

    @property
    def left_out(self) -> int:
        """Return the number of its first lines that are not kept."""
        return self.count - len(self.lines)

    def last(self, lines: int, characters: int = LOG_MAX) -> JobLog:
        """Return the log with at most so many of its last lines and characters."""
        tail = LogTail(lines, characters)
        for one in self.lines:
            tail.add(one)
        return JobLog(lines=tuple(tail.lines), count=self.count)

    def packed(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"lines": [one.packed() for one in self.lines], "count": self.count}


@dataclass(slots=True)
class LogTail:
    """The last lines of a log that grows."""

    most: int
    room: int = LOG_MAX
    lines: deque[LogLine] = field(default_factory=deque)
    count: int = 0
    _size: int = 0

    def add(self, line: LogLine) -> None:
        """Add a line, in the place of the first ones if there is no room."""
        self.count += 1
        self.lines.append(line)
        self._size += len(line.text)
        while self.lines and (len(self.lines) > self.most or self._size > self.room):
            self._size -= len(self.lines.popleft().text)

    def log(self) -> JobLog:
        """Return the log so far."""
        return JobLog(lines=tuple(self.lines), count=self.count)


@dataclass(slots=True)
class WritePace:
    """Writes of a log: a few at once, then one a second."""

    left: float = BURST
    at: float | None = None

    def take(self, now: float) -> bool:
        """Return whether a write may be made at this time, in seconds that only grow."""
        since = 0.0 if self.at is None else now - self.at
        self.left, self.at = min(BURST, self.left + since / REFILL_SECONDS), now
        if self.left < 1:
            return False
        self.left -= 1
        return True
