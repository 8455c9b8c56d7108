"""Text that every database takes and every page can show."""

from __future__ import annotations

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
