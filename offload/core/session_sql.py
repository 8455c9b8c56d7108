"""Recognize statements that change their session beyond the transaction."""

from __future__ import annotations

import re

#: Blanks, comments and brackets before the first word.
_BEFORE = r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
#: What only asks, of the pragmas that take a value in brackets.
_ASKING = "|".join(
    (
        "table_(?:x?info|list)",
        "index_(?:x?info|list)",
        "foreign_key_(?:list|check)",
        "integrity_check",
        "quick_check",
        "optimize",
        "wal_checkpoint",
        "incremental_vacuum",
    )
)
_TEMPORARY = r"(?:(?:LOCAL|GLOBAL)\s+)?TEMP(?:ORARY)?\b"
_VERBS = "|".join(
    (
        r"SET\s+(?!(?:LOCAL|TRANSACTION|CONSTRAINTS)\b)",
        r"(?:RESET|DISCARD|PREPARE|DEALLOCATE|LISTEN|DECLARE|LOAD|ATTACH|DETACH|USE|DO)\b",
        r"(?:LOCK\s+TABLES|ALTER\s+SESSION)\b",
        rf"PRAGMA\s+(?:\w+\s*\.\s*)?(?!(?:{_ASKING})\b)\w+\s*[=(]",
        rf"CREATE\s+(?:OR\s+REPLACE\s+)?{_TEMPORARY}",
    )
)
_FIRST = re.compile(rf"{_BEFORE}(?:{_VERBS})", re.IGNORECASE | re.DOTALL)
_LATER = re.compile(rf";{_BEFORE}(?:{_VERBS})", re.IGNORECASE | re.DOTALL)
#: Locks and settings by a function, and tables that a SELECT makes.
_INSIDE = re.compile(
    r"set_config\s*\((?![^()]*,\s*true\s*\))|advisory_lock(?:_shared)?\s*\(|\bget_lock\s*\("
    rf"|\bINTO\s+{_TEMPORARY}|\bpg_temp\s*\.",
    re.IGNORECASE,
)
#: How most statements begin.
_USUAL = ("SELECT", "INSERT", "UPDATE", "DELETE")


def changes_session(sql: object) -> bool:
    """Return whether a statement may leave something in its session: a setting, a lock, a table.

    It goes by the text: what a function or procedure does inside is not seen. What is no text
    may do anything.
    """
    if not isinstance(sql, str):
        return True
    if not sql.startswith(_USUAL) and _FIRST.match(sql):
        return True
    if ";" in sql and _LATER.search(sql):
        return True
    return _may_be_inside(sql.lower()) and bool(_INSIDE.search(sql))


def _may_be_inside(text: str) -> bool:
    """Return whether the expression may find anything; it costs twenty times as much."""
    return "set_config" in text or "_lock" in text or "temp" in text
