"""Submitting: validate, freeze, store; bind after the commit."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from django.db import DatabaseError
from uuid_utils import uuid7

from offload.conf import settings
from offload.core.exceptions import InvalidProperties, UnknownQueue
from offload.core.ids import is_storable
from offload.core.properties import check_properties
from offload.core.terms import (
    Seconds,
    check_delay,
    check_priority,
    check_retries,
    check_retry_delay,
)
from offload.core.topics import validate_topic
from offload.engine import dispatch, own_retries, payloads
from offload.engine.canvas import subscribing
from offload.engine.canvas.announcements import announced
from offload.engine.consumers import check_names
from offload.engine.handles import JobHandle
from offload.engine.installation import installed
from offload.engine.topology import snapshot
from offload.engine.tracking.drafts import BATCH, Draft, insert
from offload.models import Kind, Queue, database

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.engine.payloads import Saved, Source
    from offload.engine.tracking.bindings import Bound

logger = logging.getLogger("offload.submission")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """On what terms jobs are submitted."""

    #: Name of a policy; chosen by topic where it is empty.
    queue: str | None = None
    #: Higher runs earlier; from -32768 to 32767.
    priority: int = 0
    #: Seconds from now, or a timedelta, before which the job does not run; ten years at most.
    delay: Seconds | None = None
    #: Seconds from now, or a timedelta, after which a job that has not begun is EXPIRED.
    expires: Seconds | None = None
    #: Keep no result in Celery's backend.
    ignore_result: bool = False
    #: Further attempts after a failure, -1 without end; what its queue says where it is None.
    retries: int | None = None
    #: Seconds, or a timedelta, before the first retry; what its queue says where it is None.
    retry_delay: Seconds | None = None

    def __post_init__(self) -> None:
        """Raise InvalidDelay, InvalidPriority or InvalidNumber for what cannot be stored."""
        check_priority(self.priority)
        if self.retries is not None:
            check_retries(self.retries)
        if self.retry_delay is not None:
            object.__setattr__(self, "retry_delay", check_retry_delay(self.retry_delay))
        for name in ("delay", "expires"):
            given = getattr(self, name)
            if given is not None:
                object.__setattr__(self, name, check_delay(given, name=name))


def new_id() -> str:
    """Return an id for a job; ids made later sort later."""
    return str(uuid7())


def submit(
    topic: str,
    properties: Mapping[str, Any] | None = None,
    *,
    files: Mapping[str, Source] | None = None,
    queue: str | None = None,
    priority: int = 0,
    delay: Seconds | None = None,
    expires: Seconds | None = None,
    ignore_result: bool = False,
    retries: int | None = None,
    retry_delay: Seconds | None = None,
) -> JobHandle:
    """Store a job for a topic and return a handle on it.

    ``properties`` are JSON and become the consumer's keyword arguments; ``files`` are names
    and what to read them from: a path, bytes, or a file opened for reading bytes. ``delay`` and
    ``expires`` are seconds or timedeltas; ``retries`` and ``retry_delay`` go before what the
    job's queue says. The rest are Terms.

    Inside a transaction of offload's database (``OFFLOAD["DATABASE"]``; of no other) the job
    exists with its commit and not before; a rollback leaves nothing.

    Raise InvalidTopic, InvalidProperties, InvalidDelay, InvalidPriority, InvalidNumber,
    InvalidName, InvalidFile, MissingFile, UnreadableFile, FileNotStored or UnknownQueue, with
    nothing stored.
    """
    terms = Terms(
        queue=queue,
        priority=priority,
        delay=delay,
        expires=expires,
        ignore_result=ignore_result,
        retries=retries,
        retry_delay=retry_delay,
    )
    with payloads.saving(files) if files else nullcontext() as saved:
        return _submit(topic, [{} if properties is None else properties], terms, saved)[0]


def submit_many(
    topic: str,
    many: Iterable[Mapping[str, Any]],
    *,
    queue: str | None = None,
    priority: int = 0,
    delay: Seconds | None = None,
    expires: Seconds | None = None,
    ignore_result: bool = False,
    retries: int | None = None,
    retry_delay: Seconds | None = None,
) -> list[JobHandle]:
    """Store a job per properties in ``many``, all of them or none; return their handles.

    The terms are those of ``submit``, and so is what is raised.
    """
    terms = Terms(
        queue=queue,
        priority=priority,
        delay=delay,
        expires=expires,
        ignore_result=ignore_result,
        retries=retries,
        retry_delay=retry_delay,
    )
    return _submit(topic, _several(many), terms, None)


def _several(many: object) -> Iterable[Mapping[str, Any]]:
    """Return the properties of several jobs; raise InvalidProperties for those of one."""
    if isinstance(many, Mapping | str | bytes) or not isinstance(many, Iterable):
        told = f"are of type {type(many).__name__}, not one object per job"
        raise InvalidProperties(path="many", problem=told)
    return many


def _submit(
    topic: str, many: Iterable[Mapping[str, Any]], terms: Terms, saved: Saved | None
) -> list[JobHandle]:
    queue = choose_queue(validate_topic(topic), terms.queue)
    kept = {"ignore_result": True} if terms.ignore_result else subscribing.reply_options()
    # Terms has made seconds of it.
    own = own_retries.frozen(terms.retries, cast("float | None", terms.retry_delay))
    options = {**kept, **own}
    drafts = [_draft(topic, properties, queue, terms, saved, options) for properties in many]
    one_statement = saved is None and len(drafts) <= BATCH
    with (
        announced(installed(), drafts) as drafts,
        nullcontext() if one_statement else database.atomic(),
    ):
        if saved:
            payloads.record(saved)
        store(drafts)
    return [JobHandle(draft.id) for draft in drafts]


def _draft(
    topic: str,
    properties: Mapping[str, Any],
    queue: str,
    terms: Terms,
    saved: Saved | None,
    options: Mapping[str, Any],
) -> Draft:
    checked = check_properties(properties, settings().max_properties)
    check_names(topic, checked)
    return Draft(
        id=new_id(),
        topic=topic,
        queue=queue,
        properties=checked,
        options=options,
        priority=terms.priority,
        # Terms has made seconds of them.
        delay=cast("float | None", terms.delay),
        expires_in=cast("float | None", terms.expires),
        payload_id=saved.id if saved else None,
    )


def choose_queue(topic: str, asked: object) -> str:
    """Return the name of the queue: the one asked for, or the one for the topic.

    Raise UnknownQueue where the one asked for has no row.
    """
    seen = snapshot()
    if asked is None:
        return seen.policy_for(topic).name
    if not isinstance(asked, str) or not is_storable(asked):
        raise UnknownQueue(name=asked)
    known = [seen.default.name, *(one.name for one in seen.policies)]
    if asked not in known and not Queue.objects.filter(name=asked).exists():
        raise UnknownQueue(name=asked, known=known)
    return asked


def store(drafts: Sequence[Draft]) -> list[str]:
    """Store drafts and offer them to instances after the commit; return the ids of the new ones."""
    lanes = {draft.lane for draft in drafts if not draft.delay and not draft.hold}
    stored = _store_bound(drafts[0]) if lanes and _may_bind(drafts) else None
    new, bound = stored or (insert(drafts), [])
    if lanes:
        database.on_commit(lambda: _offer(lanes, bound, len(drafts)))
    return new


def _may_bind(drafts: Sequence[Draft]) -> bool:
    """Return whether it is one job, and nobody else decides on its commit."""
    alone = len(drafts) == 1 and drafts[0].kind == Kind.JOB and not drafts[0].epoch
    return alone and not database.in_transaction()


def _store_bound(draft: Draft) -> tuple[list[str], list[Bound]] | None:
    try:
        stored = dispatch.store_bound(draft)
    except DatabaseError as error:
        logger.warning("a job is stored without a binding, as storing it bound failed: %s", error)
        return None
    return stored and ([draft.id] if stored[0] else [], stored[1])


def _offer(lanes: Iterable[str], bound: Sequence[Bound], asked: int) -> None:
    """Send what is bound already, and have the others bound."""
    try:
        dispatch.send_bound(bound)
        if len(bound) < asked:
            dispatch.offer(sorted(lanes))
    except Exception:
        logger.exception("jobs are stored and wait for the sweep: binding them at submit failed")
