"""A workflow of one step, which any worker does at once."""

from __future__ import annotations

from typing import Any

from offload.workflows import step, workflow


@workflow("acc/arrived", inputs=["file"])
def arrived(*, name: str = "") -> Any:
    """Do one step."""
    return step("acc/any", name=name)
