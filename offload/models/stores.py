"""Where files of jobs lie: Django's storages, or what a test process has in their place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import storages

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.files.storage import Storage

_instead: list[Callable[[Storage], Storage]] = []


def storage(alias: str) -> Storage:
    """Return the storage of an alias in ``STORAGES``, or what stands in its place."""
    found: Storage = storages[alias]
    for replaced in _instead:
        found = replaced(found)
    return found


def replace(find: Callable[[Storage], Storage]) -> None:
    """Have files put where ``find`` says for a storage: in the process of a site's tests."""
    _instead[:] = [find]
