"""Submissions inside one of offload's transactions, gathered and stored by a few statements."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.canvas import again
from offload.canvas.filling import filled, fits
from offload.canvas.freezing.context import origin
from offload.canvas.posting import post
from offload.db import database
from offload.dispatch import submission
from offload.models import Dependency, Join, Kind
from offload.tracking import replacements, terminations

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from offload.tracking.drafts import Draft


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJoin:
    """A join that is not stored yet."""

    id: str
    body: Any
    #: Result ids, nested as the body's argument is.
    tree: Any
    members: tuple[str, ...]


@dataclass(slots=True)
class Batch:
    """Rows to be stored together."""

    drafts: list[Draft] = field(default_factory=list)
    joins: list[NewJoin] = field(default_factory=list)
    #: Whether user code sends this, rather than the end of another job.
    own: bool = False

    @contextmanager
    def whole(self) -> Iterator[None]:
        """Keep everything that the block adds, or nothing if it fails."""
        drafts, joins = len(self.drafts), len(self.joins)
        try:
            yield
        except BaseException:
            del self.drafts[drafts:], self.joins[joins:]
            raise

    def store(self) -> None:
        """Store the rows."""
        store(self.drafts, bodies=[join.body for join in self.joins], own=self.own)
        store_joins(self.joins)


_batch: ContextVar[Batch | None] = ContextVar("offload_batch", default=None)


def current() -> Batch | None:
    """Return the batch of the offload transaction that this code runs in, if any."""
    return _batch.get()


@contextmanager
def gathering(*, own: bool = False) -> Iterator[Batch]:
    """Gather what the block submits and store it when the block ends; requires a transaction."""
    outer = _batch.get()
    if outer is not None:
        yield outer
        return
    batch = Batch(own=own)
    token = _batch.set(batch)
    try:
        yield batch
    finally:
        _batch.reset(token)
    batch.store()


def store(
    drafts: Sequence[Draft], *, bodies: Sequence[Mapping[str, Any]] = (), own: bool = False
) -> None:
    """Store drafts; one whose id is known fills the row that waits under it, or is ignored.

    What somebody sends on their ``own`` takes the place of a job that is over.
    """
    if not drafts:
        return
    new = submission.store(drafts)
    if len(new) < len(drafts):
        known = [draft for draft in drafts if draft.id not in new]
        _store_known(known, bodies, own=own)
    plain = [draft.id for draft in drafts if draft.kind == Kind.RELAY]
    if plain:
        database.on_commit(lambda: post(plain))


def _store_known(known: Sequence[Draft], bodies: Sequence[Mapping[str, Any]], *, own: bool) -> None:
    if own:
        again.send_again(known, bodies)
        return
    left = [draft for draft in known if not _fill(draft)]
    if left and origin.get() is not None:
        again.follow_again(left, bodies)
    elif left:
        again.leave(left)


def _fill(draft: Draft) -> bool:
    """Fill the row that waits under a draft's id; return whether there was one."""
    with database.atomic():
        row = replacements.waiting(draft.id)
        if row is not None and fits(row, draft):
            replacements.fill(filled(row, draft))
            if row.stop_requested:
                terminations.stop([row.pk])
    return row is not None


def store_joins(joins: Sequence[NewJoin]) -> None:
    """Store joins and their dependencies; leave known ones unchanged."""
    Join.objects.bulk_create(
        [Join(id=one.id, body=one.body, tree=one.tree, body_id=_id_of(one.body)) for one in joins],
        ignore_conflicts=True,
    )
    Dependency.objects.bulk_create(
        [Dependency(join_id=one.id, needs=needs) for one in joins for needs in one.members],
        ignore_conflicts=True,
    )


def _id_of(body: Mapping[str, Any]) -> str:
    return body["options"].get("task_id") or ""
