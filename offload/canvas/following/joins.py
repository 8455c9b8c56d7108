"""Joins: each waits for results by their ids, then submits its body once."""

from __future__ import annotations

import logging
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from celery import signature
from kombu.utils.json import dumps

from offload.canvas.batches import NewJoin
from offload.canvas.failing import CHORD_ERROR, NodeResult, UpstreamFailure, fail
from offload.canvas.following import bodies, errbacks
from offload.canvas.following.submitting import applied
from offload.canvas.freezing.context import origin
from offload.canvas.freezing.signatures import JOIN_OPTION, as_dicts
from offload.db import database
from offload.models import Dependency, Job, Join
from offload.models.joins import OPEN

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from celery import Celery

logger = logging.getLogger("offload.canvas")

REVOKED_ERROR_TYPE = "celery.exceptions.TaskRevokedError"
JOIN_TABLE = Join._meta.db_table
DEPENDENCY_TABLE = Dependency._meta.db_table


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A join whose members have all ended."""

    id: str
    body: dict[str, Any]
    #: The members' values, nested as the results were.
    values: list[Any]
    #: The members that failed, the first one first, and why that one did.
    failed: tuple[str, ...] = ()
    error: str = ""


def new(group_id: str, header_results: Iterable[Any], body: Any) -> NewJoin:
    """Return the join of a chord that is about to be applied, and mark its body with it.

    The mark travels in the copy of the body that Celery hands to every member.
    """
    stored = as_dicts(dict(body))
    stored["options"].pop(JOIN_OPTION, None)
    body.options[JOIN_OPTION] = group_id
    tree = [tree_of(result) for result in header_results]
    members = tuple(dict.fromkeys(leaves(tree)))
    return NewJoin(id=group_id, body=stored, tree=tree, members=members)


def tree_of(result: Any) -> Any:
    """Return the id of a result, or those of a group of results."""
    inner = getattr(result, "results", None)
    return result.id if inner is None else [tree_of(one) for one in inner]


def leaves(tree: Iterable[Any]) -> list[str]:
    """Return the ids of a tree."""
    return [leaf for node in tree for leaf in ([node] if isinstance(node, str) else leaves(node))]


def shaped(tree: Iterable[Any], values: dict[str, Any]) -> list[Any]:
    """Return the tree with values in the places of their ids."""
    return [values[node] if isinstance(node, str) else shaped(node, values) for node in tree]


def part(app: Celery, one: NodeResult) -> None:
    """Count the end of a node; let joins fire for which it was the last."""
    parts(app, [one])


def parts(app: Celery, ended: Iterable[NodeResult]) -> None:
    """Count the ends of nodes, and of the nodes that end because of them."""
    todo = deque(ended)
    while todo:
        one = todo.popleft()
        for ready in _close(one):
            todo.extend(_fire(app, ready, one.id))


def _close(one: NodeResult) -> list[Ready]:
    """Mark the member, then lock its joins, then check each for open members (K2a).

    In another order two members that end together may each see the other open.
    """
    value = dumps(one.value) if one.state == "SUCCESS" else dumps(one.error)
    closed = database.rows(
        f"UPDATE {DEPENDENCY_TABLE} SET state = %(state)s, value = %(value)s "
        f"WHERE needs = %(needs)s AND {OPEN} RETURNING join_id",
        {"state": one.state, "value": value, "needs": one.id},
    )
    joins = sorted(row[0] for row in closed)
    return [_ready(join) for join in joins if _fires(join)]


def _fires(join: str) -> bool:
    if database.FOR_UPDATE[database.vendor()]:
        database.rows(f"SELECT 1 FROM {JOIN_TABLE} WHERE id = %(join)s FOR UPDATE", {"join": join})
    is_open = database.rows(
        f"SELECT 1 FROM {DEPENDENCY_TABLE} WHERE join_id = %(join)s AND {OPEN} LIMIT 1",
        {"join": join},
    )
    return not is_open and bool(
        database.execute(
            f"UPDATE {JOIN_TABLE} SET fired = true WHERE id = %(join)s AND NOT fired",
            {"join": join},
        )
    )


def _ready(join_id: str) -> Ready:
    join = Join.objects.get(pk=join_id)
    found = {row.needs: row for row in join.dependencies.all()}
    failed = tuple(id_ for id_ in leaves(join.tree) if found[id_].state != "SUCCESS")
    if failed:
        error = f"Dependency {failed[0]} raised {found[failed[0]].value}"
        return Ready(id=join_id, body=join.body, values=[], failed=failed, error=error)
    values = {needs: row.value for needs, row in found.items()}
    return Ready(id=join_id, body=join.body, values=shaped(join.tree, values))


def _fire(app: Celery, ready: Ready, last: str) -> list[NodeResult]:
    """Submit the body of a join; if a member failed, end the body and call its errbacks."""
    outer = origin.get()
    root = (outer.root_id if outer else "") or last
    if not ready.failed:
        body = signature(ready.body, app=app)
        return applied(app, body, (ready.values,), parent_id=last, root_id=root)
    logger.info("join %s failed: %s", ready.id, ready.error)
    return _fail(app, ready, root)


def _fail(app: Celery, ready: Ready, root: str) -> list[NodeResult]:
    cause = _cause_of(ready)
    ended = fail(app, [ready.body], cause)
    called = _called(ready.failed) if (callbacks := bodies.callbacks_of(ready.body)) else []
    for successor, errback in callbacks:
        if errback not in called:
            ended += errbacks.submit(app, errback, successor or ready.id, root, cause=cause)
    return ended


def _cause_of(ready: Ready) -> UpstreamFailure:
    """Return why a body cannot run: tasks of a group get the member's own error, as in Celery."""
    known = ready.body.get("subtask_type") == "group"
    job = Job.objects.filter(pk=ready.failed[0]).first() if known else None
    if job is None:
        kind, error = CHORD_ERROR, ready.error
    else:
        kind, error = job.error_type or REVOKED_ERROR_TYPE, job.error or job.state.lower()
    return UpstreamFailure(state="ERROR", error_type=kind, error=error, culprit=ready.failed[0])


def _called(members: Sequence[str]) -> list[Any]:
    """Return the callbacks that were already called for members that are bodies of failed chords.

    Celery links a chord's callback to the chords in its header as well, and calls it once.
    """
    failed = Join.objects.filter(body_id__in=members, fired=True)
    inner = failed.filter(dependencies__state__in=("FAILURE", "REVOKED")).distinct()
    return [one for join in inner for _, one in bodies.callbacks_of(join.body)]


def extend(join_id: str, node_id: str) -> bool:
    """Let a join wait for one more result; return whether it had not fired."""
    with database.atomic():
        join = Join.objects.select_for_update().filter(pk=join_id, fired=False).first()
        if join is None:
            return False
        Dependency.objects.create(join=join, needs=node_id)
        Join.objects.filter(pk=join_id).update(tree=[*join.tree, node_id])
        return True


def members_without_row(limit: int) -> list[str]:
    """Return some ids that joins wait for and that have no row."""
    job = Job._meta.db_table
    found = database.rows(
        f"SELECT d.needs FROM {DEPENDENCY_TABLE} d WHERE d.{OPEN} "
        f"AND NOT EXISTS (SELECT 1 FROM {job} j WHERE j.id = d.needs) "
        f"ORDER BY random() LIMIT {limit}"
    )
    return [row[0] for row in found]
