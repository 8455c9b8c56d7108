"""Exceptions for readers of a failed job's result."""

from __future__ import annotations

import sys
from functools import reduce
from typing import Any

from offload.core.exceptions import OffloadError


def module_of(module: str, name: str) -> str | None:
    """Return the module that Celery is told for an exception, to find its class there.

    None for one that is no ``Exception``: Celery makes an ``Exception`` of its name then. The
    class itself, such as ``SystemExit``, would end whoever asks for the result. Nor for one of
    offload's own that takes facts: Celery would make it of its message, and fail.
    """
    found: Any = reduce(_inside, name.split("."), sys.modules.get(module))
    if not isinstance(found, type):
        return module
    return module if issubclass(found, Exception) and not _takes_facts(found) else None


def _takes_facts(kind: type) -> bool:
    return issubclass(kind, OffloadError) and kind.__init__ is not OffloadError.__init__


def _inside(owner: Any, name: str) -> Any:
    return getattr(owner, name, None)
