"""Entries in the admin's log for changes made in the browser."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib.admin.models import CHANGE, LogEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model


def record(user_id: int, rows: Sequence[Model], message: str) -> None:
    """Write that a user changed these rows."""
    LogEntry.objects.log_actions(user_id, rows, CHANGE, change_message=message)
