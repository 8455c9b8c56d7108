"""Drafts become rows and are bound after the commit."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from django.db import DatabaseError
from uuid_utils import uuid7

from offload.conf import settings
from offload.core.admission.submit_paths import SubmitPath, Wakeable, submit_path, wakeable
from offload.core.exceptions import UnknownQueue
from offload.core.matching.job_keys import key_of
from offload.core.placement.routing import plan
from offload.core.states import Hold
from offload.core.validation.ids import is_storable
from offload.db import database
from offload.dispatch import dispatching, offering
from offload.fleet.membership import host
from offload.fleet.snapshots import now, snapshot
from offload.messaging.wakeups import notifies, wakeups
from offload.models import Kind, Queue
from offload.tracking.drafts import Draft, insert, insert_plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from offload.core.placement.lanes import Lane
    from offload.fleet.snapshots import Snapshot
    from offload.tracking.binding.bindings import BoundJob

logger = logging.getLogger("offload.submission")

NOBODY = Wakeable()

#: The name of this host, asked for once.
own_host = lru_cache(maxsize=1)(host)


def new_id() -> str:
    """Return a new id for a job; later ids sort later."""
    return str(uuid7())


def choose_queue(topic: str, asked: object) -> str:
    """Return the name of the queue: the one asked for, or the one for the topic.

    Raise UnknownQueue if the queue asked for has no row.
    """
    current = snapshot()
    if asked is None:
        return current.policy_for(topic).name
    if not isinstance(asked, str) or not is_storable(asked):
        raise UnknownQueue(name=asked)
    known = [current.default.name, *(one.name for one in current.policies)]
    if asked not in known and not Queue.objects.filter(name=asked).exists():
        raise UnknownQueue(name=asked, known=known)
    return asked


def behind_drains(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Let jobs of queues that drain wait until those are resumed."""
    current = snapshot()
    draining = {name for name in {one.queue for one in drafts} if current.policy(name).drains}
    if not draining:
        return drafts
    return [_behind(draft) if draft.queue in draining else draft for draft in drafts]


def _behind(draft: Draft) -> Draft:
    is_new = not draft.hold and draft.kind == Kind.JOB and not draft.epoch
    return replace(draft, hold=Hold.DRAIN) if is_new else draft


def keyed(drafts: Sequence[Draft]) -> Sequence[Draft]:
    """Give jobs the keys that their queues take from their properties."""
    current = snapshot()
    paths = {name: current.policy(name).keys.path for name in {one.queue for one in drafts}}
    if not any(paths.values()):
        return drafts
    return [_keyed(draft, paths[draft.queue]) for draft in drafts]


def _keyed(draft: Draft, path: str) -> Draft:
    if not path or draft.key is not None or draft.kind != Kind.JOB:
        return draft
    return replace(draft, key=key_of(draft.properties, path))


def store(drafts: Sequence[Draft]) -> list[str]:
    """Store drafts and offer them to instances after the commit; return the ids of the new ones."""
    drafts = behind_drains(keyed(drafts))
    if agents := _agents_for(drafts):
        return _store_and_wake(drafts, agents)
    lanes = {draft.lane for draft in drafts if not draft.delay and not draft.hold}
    stored = _store_bound(drafts[0]) if lanes and _may_bind(drafts) else None
    new, bound = stored or (insert(drafts), [])
    if lanes:
        database.on_commit(lambda: _offer(lanes, bound, len(drafts)))  # B1
    return new


def _agents_for(drafts: Sequence[Draft]) -> dict[Lane, Wakeable]:
    """Return by lane the agents to wake for these jobs; nothing if the submitter binds them."""
    current, found = snapshot(), {}
    is_on, is_plain = settings().fast_submit, all(draft.is_plain for draft in drafts)
    for lane in {draft.lane for draft in drafts}:
        able = _agents(lane, current)
        policy = current.policy(lane.queue)
        path = submit_path(is_on=is_on, is_plain=is_plain, policy=policy, agents=able)
        if path is not SubmitPath.WAKE:
            return {}
        found[lane] = able
    return found


def _agents(lane: Lane, current: Snapshot) -> Wakeable:
    planned = plan(current.need(lane), current.topology, now())
    return wakeable(planned, own_host(), notifies=notifies()) if planned.candidates else NOBODY


def _store_and_wake(drafts: Sequence[Draft], agents: Mapping[Lane, Wakeable]) -> list[str]:
    """Store plain jobs, and wake an agent after the commit, which binds them."""
    if len(drafts) == 1 and not database.in_transaction():
        [(lane, able)] = agents.items()
        channel = wakeups.by_insert(able, str(lane))
        new = insert_plain(drafts[0], str(lane), channel)
        if channel:
            return new
    else:
        new = insert(drafts)
    database.on_commit(lambda: _wake(agents))  # B1a
    return new


def _wake(agents: Mapping[Lane, Wakeable]) -> None:
    """Wake agents; bind the jobs of lanes for which none can be woken."""
    try:
        left = [lane for lane, able in agents.items() if not wakeups.wake(able, str(lane))]
    except Exception:
        logger.exception("jobs are stored and wait for the sweep: no agent could be woken")
        return
    if left:
        _offer(left, (), 1)


def _may_bind(drafts: Sequence[Draft]) -> bool:
    """Return whether this is a single job outside of any other transaction (B1)."""
    alone = len(drafts) == 1 and drafts[0].kind == Kind.JOB and not drafts[0].epoch
    return alone and not database.in_transaction()


def _store_bound(draft: Draft) -> tuple[list[str], list[BoundJob]] | None:
    try:
        stored = dispatching.store_bound(draft)
    except DatabaseError as error:
        logger.warning("a job is stored without a binding, as storing it bound failed: %s", error)
        return None
    return stored and ([draft.id] if stored[0] else [], stored[1])


def _offer(lanes: Iterable[Lane], bound: Sequence[BoundJob], asked: int) -> None:
    """Send the jobs that are bound already and offer the others to instances."""
    try:
        dispatching.send_bound(bound)
        if len(bound) < asked:
            offering.offer(sorted(lanes, key=str))
    except Exception:
        logger.exception("jobs are stored and wait for the sweep: binding them at submit failed")
