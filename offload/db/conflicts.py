"""Transactions that the database ended for the sake of another one: they are done once more."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from django.db import OperationalError

from offload.db import database

if TYPE_CHECKING:
    from collections.abc import Callable

P = ParamSpec("P")
R = TypeVar("R")

#: PostgreSQL's codes: could not serialise, and deadlock detected.
CONFLICT_CODES = frozenset({"40001", "40P01"})
#: How often something is begun: two that wait for each other have passed after one more.
TRIES_MAX = 3


def retried(act: Callable[P, R]) -> Callable[P, R]:
    """Do it again where its transaction had to give way to another (B7).

    Only where it is the outermost: inside of another transaction the whole of that one is
    lost, and whoever began it is to begin it again.
    """

    @wraps(act)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(TRIES_MAX - 1):
            try:
                return act(*args, **kwargs)
            except OperationalError as error:
                if database.in_transaction() or not gave_way(error):
                    raise
        return act(*args, **kwargs)

    return again


def gave_way(error: BaseException) -> bool:
    """Return whether the database ended a transaction in favour of another."""
    return getattr(error.__cause__, "sqlstate", None) in CONFLICT_CODES
