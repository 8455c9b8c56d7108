"""Retries of transactions that the database ended in favour of others."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.db import InternalError, OperationalError

from offload.db import database
from offload.db.standstill import STANDSTILL_CODE

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

#: PostgreSQL's codes: could not serialise, deadlock detected, and stood still with its locks.
CONFLICT_CODES = frozenset({"40001", "40P01", STANDSTILL_CODE})
#: Tries in total; two transactions that deadlock have both passed after one more.
TRIES_MAX = 3


def retried(act: Callable[P, R]) -> Callable[P, R]:
    """Call the function again if the database ended its transaction in favour of another (B7).

    Only for an outermost transaction: inside another, that whole one is lost, and only its owner
    can begin it again.
    """

    @wraps(act)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES_MAX - 1):
            try:
                return act(*args, **kwargs)
            except (OperationalError, InternalError) as error:
                if database.in_transaction() or not gave_way(error):
                    raise
        return act(*args, **kwargs)

    return again


def gave_way(error: BaseException) -> bool:
    """Return whether the database ended a transaction in favour of another."""
    return getattr(error.__cause__, "sqlstate", None) in CONFLICT_CODES
