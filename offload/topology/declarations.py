"""The listeners that agents call, as the site's modules declare them."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.discovery.events import TopologyEvent

F = TypeVar("F", bound="Callable[[TopologyEvent], object]")

#: In the order of their declarations.
declared: list[Callable[[TopologyEvent], object]] = []


def listener(callback: F) -> F:
    """Declare a function as a listener: the agent of each worker calls it with every event.

    ``callback`` gets one argument, a `TopologyEvent`; it is returned unchanged. Declare it in a
    module that workers import, such as an app's ``consumers.py``, or in the ``ready()`` of its
    ``AppConfig``. Other processes do not call it; see `listen`.
    """
    if callback not in declared:
        declared.append(callback)
    return callback
