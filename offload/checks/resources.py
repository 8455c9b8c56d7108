"""Checks of the resources that the settings declare."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.checks import Error

from offload.checks.offload_settings import readable
from offload.core.exceptions import InvalidResource
from offload.queues import declared_resources

if TYPE_CHECKING:
    from django.core.checks import CheckMessage


def check(**_: object) -> list[CheckMessage]:
    """Check that each resource's declaration is valid."""
    if readable() is None:
        return []
    try:
        list(declared_resources.rows())
    except InvalidResource as error:
        hint = 'Write OFFLOAD = {"RESOURCES": {"maya": {"capacity": 5}}}.'
        return [Error(f'OFFLOAD["RESOURCES"]: {error}', hint, id="offload.E029")]
    return []
