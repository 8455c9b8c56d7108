"""Leadership: one row with a term, which is checked by every act of the leader."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.core.exceptions import OffloadError
from offload.db import database, standstill
from offload.models import Instance, Lease
from offload.models.instances import LIVES
from offload.models.versions import raise_version

if TYPE_CHECKING:
    from collections.abc import Iterator

LEASE_NAME = "leader"
LEASE = Lease._meta.db_table
INSTANCE = Instance._meta.db_table
#: The lease, where this incarnation holds it.
HELD = "name = %(lease)s AND incarnation = %(incarnation)s"


class NotLeader(OffloadError):
    """Another instance leads now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """A period of leadership."""

    number: int
    holder: str
    incarnation: str


def acquire(name: str, incarnation: str) -> Term | None:
    """Renew the lease, or take it if it ended or its holder is gone; None if another has it."""
    term = _renew(name, incarnation)
    if term is None and _has_ended():
        return _take(name, incarnation)
    return term


def _renew(name: str, incarnation: str) -> Term | None:
    found = database.rows(
        f"UPDATE {LEASE} SET expires_at = {database.later('%(timeout)s')} "
        f"WHERE {HELD} RETURNING term",
        {"timeout": settings().timeout, "lease": LEASE_NAME, "incarnation": incarnation},
    )
    return Term(number=found[0][0], holder=name, incarnation=incarnation) if found else None


def _has_ended() -> bool:
    """Return whether the lease may be taken, without locking it.

    An insert that finds the row locks it, whether or not it may change it. A follower that froze
    there would keep the leader from renewing, and everybody from leading.
    """
    held = f"SELECT 1 FROM {LEASE} WHERE name = %(lease)s AND NOT ({_ended()})"
    return not database.rows(held, {"lease": LEASE_NAME})


def _ended() -> str:
    return (
        f"{LEASE}.expires_at <= {database.now()} OR NOT EXISTS (SELECT 1 FROM {INSTANCE} i "
        f"WHERE i.incarnation = {LEASE}.incarnation AND i.{LIVES})"
    )


def _take(name: str, incarnation: str) -> Term | None:
    with database.atomic():
        found = database.rows(
            f"INSERT INTO {LEASE} (name, holder, incarnation, term, expires_at) "
            f"VALUES (%(lease)s, %(holder)s, %(incarnation)s, 1, {database.later('%(timeout)s')}) "
            "ON CONFLICT (name) DO UPDATE SET "
            "holder = excluded.holder, incarnation = excluded.incarnation, "
            f"term = {LEASE}.term + 1, expires_at = excluded.expires_at "
            f"WHERE {_ended()} RETURNING term, {standstill.limit()}",
            {
                "lease": LEASE_NAME,
                "holder": name,
                "incarnation": incarnation,
                "timeout": settings().timeout,
            },
        )
        if found:
            raise_version()
    return Term(number=found[0][0], holder=name, incarnation=incarnation) if found else None


def resign(incarnation: str) -> None:
    """End the lease at once, so that another instance can take it."""
    database.execute(
        f"UPDATE {LEASE} SET expires_at = {database.now()} WHERE {HELD}",
        {"lease": LEASE_NAME, "incarnation": incarnation},
    )


@contextmanager
def leading(term: Term) -> Iterator[None]:
    """Run a block in a transaction under this term (A8); raise NotLeader if it is over."""
    lock = database.FOR_SHARE[database.vendor()]
    with database.atomic():
        if not database.rows(
            f"SELECT {standstill.limit()} FROM {LEASE} WHERE {HELD} AND term = %(term)s "
            f"AND expires_at > {database.now()} {lock}",
            {"lease": LEASE_NAME, "incarnation": term.incarnation, "term": term.number},
        ):
            raise NotLeader
        yield
