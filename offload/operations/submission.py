"""Submitting jobs: validate, freeze, store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from offload.conf import settings
from offload.core.exceptions import InvalidProperties
from offload.core.topics import validate_topic
from offload.core.validation.options import (
    Seconds,
    check_delay,
    check_priority,
    check_retries,
    check_retry_delay,
)
from offload.core.validation.properties import check_properties
from offload.db import database
from offload.dispatch import subscribing
from offload.dispatch.announcements import announced
from offload.dispatch.submission import choose_queue, new_id, store
from offload.files import payloads
from offload.fleet.consumers import check_names
from offload.messaging.installation import installed
from offload.operations.handles import JobHandle
from offload.queues import own_retries
from offload.tracking.drafts import ROWS_PER_STATEMENT, Draft

if TYPE_CHECKING:
    from offload.files.payloads import Saved, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """How jobs are submitted."""

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
    job's queue says. The rest are SubmitOptions.

    Inside a transaction of offload's database (``OFFLOAD["DATABASE"]``; of no other) the job
    exists with its commit and not before; a rollback leaves nothing.

    Raise InvalidTopic, InvalidProperties, InvalidDelay, InvalidPriority, InvalidNumber,
    InvalidName, InvalidFile, MissingFile, UnreadableFile, FileNotStored or UnknownQueue, with
    nothing stored.
    """
    submit_options = SubmitOptions(
        queue=queue,
        priority=priority,
        delay=delay,
        expires=expires,
        ignore_result=ignore_result,
        retries=retries,
        retry_delay=retry_delay,
    )
    with payloads.saving(files) if files else nullcontext() as saved:
        return _submit(topic, [{} if properties is None else properties], submit_options, saved)[0]


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

    The options are those of ``submit``, and so is what is raised.
    """
    submit_options = SubmitOptions(
        queue=queue,
        priority=priority,
        delay=delay,
        expires=expires,
        ignore_result=ignore_result,
        retries=retries,
        retry_delay=retry_delay,
    )
    return _submit(topic, _several(many), submit_options, None)


def _several(many: object) -> Iterable[Mapping[str, Any]]:
    """Return the properties of several jobs; raise InvalidProperties for those of one."""
    if isinstance(many, Mapping | str | bytes) or not isinstance(many, Iterable):
        told = f"are of type {type(many).__name__}, not one object per job"
        raise InvalidProperties(path="many", problem=told)
    return many


def _submit(
    topic: str,
    many: Iterable[Mapping[str, Any]],
    submit_options: SubmitOptions,
    saved: Saved | None,
) -> list[JobHandle]:
    queue = choose_queue(validate_topic(topic), submit_options.queue)
    kept = {"ignore_result": True} if submit_options.ignore_result else subscribing.reply_options()
    # SubmitOptions has made seconds of it.
    own = own_retries.frozen(
        submit_options.retries, cast("float | None", submit_options.retry_delay)
    )
    options = {**kept, **own}
    checked = [check_properties(properties, settings().max_properties) for properties in many]
    check_names(topic, *checked)
    drafts = [
        _draft(topic, properties, queue, submit_options, saved, options) for properties in checked
    ]
    one_statement = saved is None and len(drafts) <= ROWS_PER_STATEMENT
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
    submit_options: SubmitOptions,
    saved: Saved | None,
    options: Mapping[str, Any],
) -> Draft:
    return Draft(
        id=new_id(),
        topic=topic,
        queue=queue,
        properties=properties,
        options=options,
        priority=submit_options.priority,
        # SubmitOptions has made seconds of them.
        delay=cast("float | None", submit_options.delay),
        expires_in=cast("float | None", submit_options.expires),
        payload_id=saved.id if saved else None,
    )
