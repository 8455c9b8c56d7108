"""Storages of jobs' files: Django's, or their replacements in a test process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.files.storage import storages

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.core.files.storage import Storage

_instead: list[Callable[[Storage], Storage]] = []


def storage(alias: str) -> Storage:
    """Return the storage of an alias in ``STORAGES``, or its replacement."""
    found: Storage = storages[alias]
    for replaced in _instead:
        found = replaced(found)
    return found


def replace(find: Callable[[Storage], Storage]) -> None:
    """Replace storages by those that ``find`` returns, in the process of a site's tests."""
    _instead[:] = [find]
