"""Submitting jobs: validate, freeze, store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, cast

from offload.conf import settings
from offload.core.exceptions import InvalidProperties
from offload.core.topics import validate_topic
from offload.core.validation.job_properties import check_properties
from offload.db import database
from offload.dispatch import subscribing
from offload.dispatch.announcements import announced
from offload.dispatch.submission import choose_queue, store
from offload.files import deliveries, payloads
from offload.fleet.consumers import check_names, required_of
from offload.messaging.installation import installed
from offload.operations import job_drafts
from offload.operations.handles import JobHandle
from offload.operations.submit_options import SubmitOptions
from offload.queues import own_retries
from offload.queues.resources import check_defined
from offload.tracking.drafts import ROWS_PER_STATEMENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.core.files.deliveries import ToField, ToStorage
    from offload.core.matching.amounts import Amounts
    from offload.core.matching.escalation import Escalation
    from offload.core.matching.requirements import Requirements
    from offload.core.validation.ids import JobId
    from offload.core.validation.options import Seconds
    from offload.files.payloads import Saved, Source

NO_ORDERS: Mapping[str, Any] = MappingProxyType({})


def submit(
    topic: str,
    properties: Mapping[str, Any] | None = None,
    *,
    files: Mapping[str, Source] | None = None,
    deliver_to: Mapping[str, ToField | ToStorage] | None = None,
    queue: str | None = None,
    priority: int = 0,
    delay: Seconds | None = None,
    expires: Seconds | None = None,
    ignore_result: bool = False,
    retries: int | None = None,
    retry_delay: Seconds | None = None,
    requires: Mapping[str, Any] | None = None,
    prefers: Sequence[Sequence[Any]] | None = None,
    retry_with: Mapping[str, Any] | None = None,
    resources: Mapping[str, int] | None = None,
    slots: int | str | Mapping[str, float] | None = None,
    together: bool = False,
    near: JobId | None = None,
    near_wait: Seconds | None = None,
    key: str | None = None,
) -> JobHandle:
    """Store a job for a topic and return a handle on it.

    ``topic`` says what is to be done, such as ``"dam/rendition/web"``. ``properties`` is a JSON
    object; its items become the consumer's keyword arguments. ``files`` maps names to what they are
    read from: a path, bytes, or a file opened for reading bytes. ``deliver_to`` maps names of
    outputs to the fields they go into once the job has succeeded (``ToField``), and names or
    patterns to folders of storages (``ToStorage``). ``queue`` is the name of a queue; without it,
    the topic decides. Of the jobs that wait, those with a higher ``priority`` run
    earlier; it is an integer from -32768 to 32767.

    ``delay`` is the time before which the job does not run, and ``expires`` the time after which it
    becomes EXPIRED if it has not begun. Both count from now, as a number of seconds or a timedelta,
    and are ten years at most. ``ignore_result`` keeps no result in Celery's backend. ``retries`` is
    the number of further attempts after a failure, -1 for no limit, and ``retry_delay`` the time
    before the first of them, in seconds or as a timedelta, a year at most; without them, the queue
    decides. ``requires`` is what an instance must have to run the job, as a JSON object of its
    properties and labels: ``{"gpu": True, "ram_gb": {">=": 64}, "labels": ["licensed"]}``. The
    requirements of its queue and its consumer hold too. ``prefers`` is a list of pairs of such an
    object and a weight, ``[({"gpu": True}, 5), ({"labels": ["shared"]}, -2)]``: of the instances
    that have room, the one with the greatest sum of the weights that it meets runs the job.
    ``retry_with`` are factors of least numbers that are required, ``{"ram_gb": 2}``: each is
    multiplied for the next attempt if one runs out of memory or time, up to what a known instance
    has. ``resources`` is how much it uses of each resource while it is bound or runs, such as
    ``{"maya": 1}``; of one that its queue or its consumer uses too, the greater amount holds.
    ``slots`` is how many places of its instance, which runs one job in each, the job takes: a
    number, ``"all"``, or what it uses up, ``{"ram_gb": 8}``; else its consumer says it, or it is 1.
    ``together`` keeps a job that the code of a step submits at the step's instance, if its run
    stays together there; any other runs it once that one cannot. ``near`` is another job: this one
    waits ``near_wait`` (by default, as long as the settings say), as seconds or a timedelta, for
    the instance that the other one is at, or ran at; then any may run it. ``near="here"`` means the
    job whose code submits it, ``near="inputs"`` those that made its ``files``. ``key`` is the text,
    of at most 100 characters, by which its queue tells the job apart; without it, the queue takes
    the key from the properties if it says which one that is.

    Inside a transaction of offload's database (``OFFLOAD["DATABASE"]``, and no other), the job
    exists only once it commits; after a rollback nothing is left.

    Raise, with nothing stored: InvalidTopic; InvalidProperties if they are not JSON or too large,
    and UnfitProperties if no known consumer accepts their names; InvalidDelay, InvalidPriority or
    InvalidNumber for a number out of bounds; InvalidRequirement or InvalidPreference for what
    cannot be compared; InvalidPlacement for ``slots`` that are none, ``retry_with`` of what
    nothing requires and ``near_wait`` without ``near``; UnknownJob for a job to be near that does
    not exist; InvalidResource for no amount, UnknownResource for what nobody has defined;
    InvalidKey; InvalidName, InvalidFile, MissingFile, UnreadableFile or FileNotStored for a file;
    InvalidDelivery; UnknownQueue.
    """
    submit_options = SubmitOptions(
        queue=queue,
        priority=priority,
        delay=delay,
        expires=expires,
        ignore_result=ignore_result,
        retries=retries,
        retry_delay=retry_delay,
        requires=requires,
        prefers=prefers,
        retry_with=retry_with,
        resources=resources,
        slots=slots,
        together=together,
        near=near,
        near_wait=near_wait,
        key=key,
    )
    many, orders = [{} if properties is None else properties], deliveries.frozen(deliver_to)
    # With a payload from the beginning, a job whose outputs are delivered stays in its cluster.
    given = files or {}
    with payloads.saving(given) if files or orders else nullcontext() as saved:
        return _submit(topic, many, submit_options, saved, orders, given)[0]


def submit_many(
    topic: str,
    many: Iterable[Mapping[str, Any]],
    *,
    deliver_to: Mapping[str, ToField | ToStorage] | None = None,
    queue: str | None = None,
    priority: int = 0,
    delay: Seconds | None = None,
    expires: Seconds | None = None,
    ignore_result: bool = False,
    retries: int | None = None,
    retry_delay: Seconds | None = None,
    requires: Mapping[str, Any] | None = None,
    prefers: Sequence[Sequence[Any]] | None = None,
    retry_with: Mapping[str, Any] | None = None,
    resources: Mapping[str, int] | None = None,
    slots: int | str | Mapping[str, float] | None = None,
    together: bool = False,
    near: JobId | None = None,
    near_wait: Seconds | None = None,
    key: str | None = None,
) -> list[JobHandle]:
    """Store one job for each properties in ``many``, all of them or none; return their handles.

    ``topic`` is the topic of all of them, and ``many`` an iterable of JSON objects. ``deliver_to``,
    ``queue``, ``priority``, ``delay``, ``expires``, ``ignore_result``, ``retries``,
    ``retry_delay``, ``requires``, ``prefers``, ``retry_with``, ``resources``, ``slots``,
    ``together``, ``near``, ``near_wait`` and ``key`` apply to each, as in ``submit``; the errors
    are those of ``submit`` too. The handles have the order of ``many``.
    """
    submit_options = SubmitOptions(
        queue=queue,
        priority=priority,
        delay=delay,
        expires=expires,
        ignore_result=ignore_result,
        retries=retries,
        retry_delay=retry_delay,
        requires=requires,
        prefers=prefers,
        retry_with=retry_with,
        resources=resources,
        slots=slots,
        together=together,
        near=near,
        near_wait=near_wait,
        key=key,
    )
    orders = deliveries.frozen(deliver_to)
    with payloads.saving({}) if orders else nullcontext() as saved:
        return _submit(topic, _several(many), submit_options, saved, orders)


def _several(many: object) -> Iterable[Mapping[str, Any]]:
    """Return the properties of several jobs; raise InvalidProperties for those of a single job."""
    if isinstance(many, Mapping | str | bytes) or not isinstance(many, Iterable):
        problem = f"are of type {type(many).__name__}, not one object per job"
        raise InvalidProperties(path="many", problem=problem)
    return many


def _submit(
    topic: str,
    many: Iterable[Mapping[str, Any]],
    submit_options: SubmitOptions,
    saved: Saved | None,
    orders: Mapping[str, Any] = NO_ORDERS,
    files: Mapping[str, Source] = NO_ORDERS,
) -> list[JobHandle]:
    queue = choose_queue(validate_topic(topic), submit_options.queue)
    check_defined(cast("Amounts", submit_options.resources))
    result = (
        {"ignore_result": True} if submit_options.ignore_result else subscribing.reply_options()
    )
    escalation = cast("Escalation", submit_options.retry_with)
    if escalation:
        escalation.check(required_of(topic, queue, cast("Requirements", submit_options.requires)))
    own = own_retries.frozen(
        submit_options.retries, cast("float | None", submit_options.retry_delay), escalation
    )
    options = {**result, **own, **orders}
    checked = [check_properties(properties, settings().max_properties) for properties in many]
    check_names(topic, *checked)
    kept = job_drafts.affinity(topic, queue, submit_options, files)
    drafts = job_drafts.drafts(topic, checked, queue, submit_options, saved, options, kept)
    one_statement = saved is None and len(drafts) <= ROWS_PER_STATEMENT
    with (
        announced(installed(), drafts) as drafts,
        nullcontext() if one_statement else database.atomic(),
    ):
        if saved:
            payloads.record(saved)
        store(drafts)
    return [JobHandle(draft.id) for draft in drafts]
