"""Changes of queues by operators; each acts at once on bound jobs."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError
from django.db.models import Count

from offload.core.exceptions import InvalidQueue, UnknownQueue
from offload.core.matching.amounts import NO_RESOURCES, Amounts
from offload.core.policies import DEFAULT_POLICY, policy_for
from offload.core.retries import Cause
from offload.core.validation.bounds import RANKING
from offload.db import database
from offload.db.conflicts import retried
from offload.fleet.duties import Duty
from offload.fleet.each import for_each
from offload.fleet.leadership import leading
from offload.fleet.row_values import default_policy, policy_of
from offload.fleet.snapshots import forget, now, snapshot
from offload.models import Instance, Job, Queue
from offload.models.validation import error_text
from offload.queues import excess, resources
from offload.tracking import requeue
from offload.tracking.binding import buckets, key_changes, slots

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from offload.fleet.leadership import Term

DEFAULT_QUEUE = DEFAULT_POLICY.name
#: Fields of a queue that people change also where the settings declare it.
SWITCH_FIELDS = frozenset({"suspended", "note"})


@retried
def save(queue: Queue) -> int:
    """Store a queue, take back unstarted jobs beyond its limit, and return how many.

    If it is suspended, these are all of them, else the last ones in line. Running jobs finish.
    """
    after = policy_of(queue)
    with database.atomic():
        before = _lock(queue)
        queue.save(using=database.alias())
        used = NO_RESOURCES if before is None else policy_of(before).resources
        if (not _is_locked_by_binders(before) and not after.is_plain) or used != after.resources:
            # B8a: jobs of a queue that counts none are bound without its lock.
            slots.keep_bindings_out([one.pk for one in Instance.objects.live()])
        key_changes.follow(queue.name, before=before.key if before else "", after=queue.key)
        count = _recall_beyond(queue)
    forget()
    resources.follow(queue, used, after.resources)
    return count


def find(name: str) -> Queue:
    """Return a queue; raise UnknownQueue if there is none of that name.

    The queue ``default`` exists even without a row.
    """
    row: Queue | None = Queue.objects.filter(name=name).first()
    if row is None and name == DEFAULT_QUEUE:
        return default_row()
    if row is None:
        known = [DEFAULT_QUEUE, *Queue.objects.values_list("name", flat=True)]
        raise UnknownQueue(name=name, known=known)
    return row


def default_row() -> Queue:
    """Return an unstored row of the queue ``default`` with the settings' values.

    Its ranking lets every other queue take precedence, as without a row.
    """
    policy = default_policy()
    return Queue(
        name=policy.name,
        topics=[one.text for one in policy.patterns],
        ranking=int(RANKING.least),
        retries=policy.retry.retries,
        retry_delay=policy.retry.delay,
        backoff=policy.retry.backoff,
    )


def add(name: str, topics: Sequence[str], **fields: Any) -> Queue:
    """Make a queue for these patterns; ``fields`` are the other fields of its row.

    Raise InvalidQueue, with nothing changed, if they are invalid or the name is taken.
    """
    queue = Queue(name=name, topics=list(topics), **fields)
    check(queue)
    save(queue)
    return queue


def change(queue: Queue, **fields: Any) -> int:
    """Change fields of a queue; return how many unstarted jobs were taken back.

    Raise InvalidQueue, with nothing changed, if they are invalid or declared in the settings.
    """
    if not fields.keys() <= SWITCH_FIELDS:
        refuse_declared(queue)
    for field, value in fields.items():
        setattr(queue, field, value)
    check(queue)
    return save(queue)


def check(queue: Queue, *, exclude: Iterable[str] = ()) -> None:
    """Raise InvalidQueue if a queue is invalid, UnknownResource if it uses an undefined one."""
    try:
        queue.full_clean(exclude=set(exclude))
    except ValidationError as error:
        raise InvalidQueue(name=queue.name, problem=error_text(error)) from error
    resources.check_defined(Amounts.of(queue.resources))


def refuse_declared(queue: Queue) -> None:
    """Raise InvalidQueue if the site's settings declare the queue."""
    if queue.is_declared:
        problem = 'it is declared in OFFLOAD["QUEUES"]. Change it there, and run: manage.py migrate'
        raise InvalidQueue(name=queue.name, problem=problem)


def suspend(
    queues: Iterable[Queue], *, suspended: bool, note: str | None = None, by: str = ""
) -> int:
    """Suspend queues or resume them; return how many unstarted jobs were taken back.

    A queue that is suspended already keeps its note unless a new one is given. One that is resumed
    drains no more. Raise InvalidQueue, with nothing changed, for an invalid note.
    """
    chosen = list(queues)
    for queue in chosen:
        check_note(queue, note or "")
    count = 0
    for queue in chosen:
        keeps = suspended and queue.suspended
        queue.suspended = suspended
        queue.note = note if note is not None else queue.note if keeps else ""
        queue.drains = queue.drains and suspended
        queue.held_since, queue.held_by = (now(), by) if suspended else (None, "")
        count += save(queue)
        if not suspended:
            requeue.release_drained(queue.name)
    return count


def check_note(queue: Queue, note: str) -> None:
    """Check only the note: a queue with another fault can be suspended all the same."""
    try:
        Queue._meta.get_field("note").run_validators(note)
    except ValidationError as error:
        raise InvalidQueue(name=queue.name, problem=" ".join(error.messages)) from error


def remove(queues: Iterable[Queue]) -> None:
    """Remove queues; from now on their jobs follow the default policy."""
    _remove([queue.pk for queue in queues])
    forget()


@retried
def _remove(ids: Sequence[int]) -> None:
    with database.atomic():
        rows = Queue.objects.filter(pk__in=ids)
        names = list(rows.values_list("name", flat=True))
        buckets.drop(names)
        for name in names:
            requeue.release_drained(name)
        rows.delete()


def left_behind(queue: Queue) -> dict[str, int]:
    """Count waiting jobs of its topics by their other queues, as a job stays in its queue."""
    waiting = Job.objects.of_type("QUEUED").exclude(queue=queue.name)
    found = waiting.values_list("queue", "topic").annotate(count=Count("pk"))
    policies = snapshot(fresh=True).policies
    left: Counter[str] = Counter()
    for name, topic, count in found.order_by():
        if policy_for(topic, policies).name == queue.name:
            left[name] += count
    return dict(left)


def limit(term: Term) -> int:
    """Take back jobs bound beyond the limits of queues; return the number of those queues."""
    # One transaction each: two queues are never locked together.
    return for_each(exceeded(), lambda name: _enforce(term, name))


def _enforce(term: Term, name: str) -> None:
    with leading(term):
        enforce(name)


LIMIT = Duty(name="limit", do=limit, every=2.0, needs_term=True)


def exceeded() -> list[str]:
    """Return the queues with more bound jobs than allowed."""
    return [one.name for one in snapshot().policies if any(excess.beyond(one))]


@retried
def enforce(name: str) -> int:
    """Take back jobs bound beyond a queue's limit, which concurrent bindings may have missed."""
    with database.atomic():
        queue = Queue.objects.filter(name=name).first()
        if queue is None:
            return 0
        _lock(queue)
        return _recall_beyond(queue)


def _lock(queue: Queue) -> Queue | None:
    """Take the lock for counting a queue's bound jobs (B6), waiting if necessary.

    Return the queue as it is stored, or None if it is not.
    """
    row: Queue | None = Queue.objects.select_for_update().filter(pk=queue.pk).first()
    return row


def _is_locked_by_binders(row: Queue | None) -> bool:
    """Return whether jobs of a queue are not bound without its lock."""
    return row is not None and (row.suspended or policy_of(row).is_counted)


def _recall_beyond(queue: Queue) -> int:
    beyond = excess.beyond(policy_of(queue))
    return sum(len(requeue.recall(last, cause=Cause.REFUSED)) for last in beyond)
