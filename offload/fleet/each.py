"""Run a function for each item; a failure stops no other item."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from django.db import InterfaceError, OperationalError

from offload.fleet.leadership import NotLeader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

logger = logging.getLogger("offload.duties")

#: Errors that would come for every item.
GENERAL_ERRORS = (InterfaceError, NotLeader, OperationalError)


def for_each(things: Iterable[T], act: Callable[[T], object]) -> int:
    """Call the function for each item and return the number of items.

    Raise the first error after all items were tried.
    """
    first: Exception | None = None
    count = 0
    for thing in things:
        count += 1
        try:
            act(thing)
        except GENERAL_ERRORS:
            raise
        except Exception as error:
            logger.exception("failed for %s; the others go on", thing)
            first = first or error
    if first is not None:
        raise first
    return count
