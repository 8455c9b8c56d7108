"""Workflows that add numbers, and what they leave behind."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from celery import chord

from offload.workflows import step

if TYPE_CHECKING:
    from celery.canvas import Signature


def totals() -> Signature[Any]:
    """Add two sums up."""
    return chord([step("jobs/add", x=1, y=2), step("jobs/add", x=3)], step("jobs/total"))
