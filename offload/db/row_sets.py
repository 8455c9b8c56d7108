"""Rows as one parameter of a statement, whose text is the same however many rows there are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: PostgreSQL's types of columns; SQLite takes values as they are.
TEXT, NUMBER, FLAG = "text", "bigint", "boolean"


def packed(rows: Iterable[Mapping[str, object]]) -> str:
    """Return the parameter that holds these rows."""
    return json.dumps(list(rows))


def row_set(name: str, columns: Mapping[str, str]) -> str:
    """Return SQL that selects from the parameter of this name, for FROM; the set has its name.

    Columns that two tables could have need names of their own.
    """
    if database.vendor() == "postgresql":
        typed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
        return f"json_to_recordset(%({name})s::json) AS {name}({typed})"
    found = ", ".join(f"json_extract(value, '$.{column}') AS {column}" for column in columns)
    return f"(SELECT {found} FROM json_each(%({name})s)) AS {name}"
