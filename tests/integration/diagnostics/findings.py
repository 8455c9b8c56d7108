"""Helpers for findings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.databases import SQLITE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from offload.diagnostics import Finding, Level

#: For a test of what has nothing to do with the database.
on_sqlite = pytest.mark.parametrize("database_alias", [SQLITE], indirect=True)


def levels(findings: Iterable[Finding]) -> set[Level]:
    return {one.level for one in findings}


def the(level: Level, findings: Iterable[Finding]) -> Finding:
    """Return the one finding of a level."""
    (found,) = (one for one in findings if one.level is level)
    return found
