"""What is raised where the result of a failed job is asked for."""

from __future__ import annotations

import sys
from functools import reduce
from typing import Any


def module_of(module: str, name: str) -> str | None:
    """Return the module that Celery is told for an exception, to find its class there.

    None for one that is no ``Exception``: Celery makes an ``Exception`` of its name then. The
    class itself, such as ``SystemExit``, would end whoever asks for the result.
    """
    found: Any = reduce(_inside, name.split("."), sys.modules.get(module))
    is_exception = not isinstance(found, type) or issubclass(found, Exception)
    return module if is_exception else None


def _inside(owner: Any, name: str) -> Any:
    return getattr(owner, name, None)
