"""Recognize statements that change their session beyond the transaction."""

from __future__ import annotations

import re

#: Whitespace, comments and brackets before the first word.
_BEFORE = r"(?:\s|--[^\n]*\n|/\*.*?\*/|\()*"
#: Pragmas that take a value in brackets and only read.
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
#: Functions that set or lock something, and SELECTs that create tables.
_INSIDE = re.compile(
    r"set_config\s*\((?![^()]*,\s*true\s*\))|advisory_lock(?:_shared)?\s*\(|\bget_lock\s*\("
    rf"|\bINTO\s+{_TEMPORARY}|\bpg_temp\s*\.",
    re.IGNORECASE,
)
#: The beginnings of most statements.
_USUAL = ("SELECT", "INSERT", "UPDATE", "DELETE")


def changes_session(sql: object) -> bool:
    """Return whether a statement may leave something in its session: a setting, a lock, a table.

    Only the text counts: the inside of functions and procedures is not seen. A statement that is
    not text may do anything.
    """
    if not isinstance(sql, str):
        return True
    if not sql.startswith(_USUAL) and _FIRST.match(sql):
        return True
    if ";" in sql and _LATER.search(sql):
        return True
    return _may_be_inside(sql.lower()) and bool(_INSIDE.search(sql))


def _may_be_inside(text: str) -> bool:
    """Return whether the expression is worth trying, which costs twenty times as much."""
    return "set_config" in text or "_lock" in text or "temp" in text
