"""One thing after another, where what fails for one stops no other."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeVar

from django.db import InterfaceError, OperationalError

from offload.fleet.leadership import NotLeader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

T = TypeVar("T")

logger = logging.getLogger("offload.duties")

#: What would fail for every other as well.
GENERAL_ERRORS = (InterfaceError, NotLeader, OperationalError)


def each(things: Iterable[T], act: Callable[[T], object]) -> int:
    """Do it for each, and return how many there were.

    The first error is raised once it was tried for all of them.
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
