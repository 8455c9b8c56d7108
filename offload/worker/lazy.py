"""Names loaded at first use.

Tasks are defined while Django's apps are not ready; what runs them needs models.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from kombu.utils.imports import symbol_by_name


@cache
def lazy(path: str) -> Any:
    """Return the object at ``module:name``, imported at the first call."""
    return symbol_by_name(path)
