"""Checks of the queues that the settings declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.checks import Error

from offload.checks.offload_settings import readable
from offload.core.exceptions import InvalidQueue
from offload.queues import declared

if TYPE_CHECKING:
    from django.core.checks import CheckMessage


def check(**_: object) -> list[CheckMessage]:
    """Check that each queue's declaration is valid."""
    if readable() is None:
        return []
    try:
        list(declared.rows())
    except InvalidQueue as error:
        hint = 'Write OFFLOAD = {"QUEUES": {"render": {"topics": ["dam/**"], "max_parallel": 2}}}.'
        return [Error(f'OFFLOAD["QUEUES"]: {error}', hint, id="offload.E015")]
    return []
