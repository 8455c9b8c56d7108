"""Exceptions for readers of a failed job's result."""

from __future__ import annotations

import sys
from functools import reduce
from typing import Any

from offload.core.exceptions import OffloadError


def module_of(module: str, name: str) -> str | None:
    """Return the module in which Celery should look for an exception's class, or None.

    None makes Celery build an ``Exception`` of that name. It is right for a class that is no
    ``Exception``, such as ``SystemExit``, which would end the process that asks for the result; and
    for offload's own errors that take facts, which Celery could not build from the message alone.
    """
    found: Any = reduce(_inside, name.split("."), sys.modules.get(module))
    if not isinstance(found, type):
        return module
    return module if issubclass(found, Exception) and not _takes_facts(found) else None


def _takes_facts(kind: type) -> bool:
    return issubclass(kind, OffloadError) and kind.__init__ is not OffloadError.__init__


def _inside(owner: Any, name: str) -> Any:
    return getattr(owner, name, None)
