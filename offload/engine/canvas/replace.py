"""Replacing a running job by a canvas."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.engine.tracking.runs import Fence


def replaced(fence: Fence, signature: Mapping[str, Any]) -> bool:
    """Put a canvas in a job's place."""
    return False
