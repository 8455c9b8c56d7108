"""Ends of several attempts in one transaction: the successes that have nothing else to do."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from kombu.utils.json import dumps

from offload.conf import settings
from offload.core.exceptions import InvalidValue
from offload.core.outcomes import ErrorInfo, PreparedEnd
from offload.core.retries import Cause
from offload.core.texts import as_text
from offload.db import conflicts
from offload.jobs import endings, losses, sinks
from offload.jobs.decisions import decided
from offload.models import Job
from offload.results import group_results, task_results
from offload.tracking import finishing
from offload.tracking.groups import group_ends
from offload.tracking.groups.group_ends import Success

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.jobs.endings import Ending


class EndVerdict(enum.Enum):
    """The outcome of writing an end."""

    WRITTEN = enum.auto()
    #: The attempt is stale; nothing was written.
    STALE = enum.auto()


def prepared(ending: Ending, value: object) -> PreparedEnd | None:
    """Return a success for a group, or None if it needs a transaction of its own.

    It needs one if anything follows it but Celery's result in the same database, or if a text in
    it could spoil the statement of its group. Raise what encoding the value raises.
    """
    end = endings.success(ending, value)
    outside, inside, after = sinks.wanted(end)
    if outside or after or any(sink.statement is None for sink in inside):
        return None
    stored = task_results.columns_of(end.result) if inside else None
    text = dumps(end.result.value)
    if not all(map(_is_plain_text, [text, *(stored or {}).values()])):
        return None
    is_too_large = stored is not None and len(text) > settings().max_result  # K3
    return PreparedEnd(key=ending.key, result=None if is_too_large else text, stored=stored)


def _is_plain_text(value: object) -> bool:
    """Return whether every database stores it, in whatever it is packed."""
    if value is None:
        return True
    return isinstance(value, str) and "\0" not in value and not _has_surrogates(value)


def _has_surrogates(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text)


def fail(key: AttemptKey, problem: Exception) -> EndVerdict:
    """End an attempt whose value the database refuses, as a failure that no retry would mend."""
    job = Job.objects.of(key).first()
    if job is None:
        return EndVerdict.STALE
    told = InvalidValue(kind="result", problem=as_text(problem))
    error = ErrorInfo.of(InvalidValue, str(told))
    decision = decided(losses.policy_of(job), job, Cause.FAILED, final=True, error=error)
    state = losses.end(key, decision, error, Cause.FAILED)
    return EndVerdict.STALE if state is None else EndVerdict.WRITTEN


@conflicts.retried
def end_all(ends: Sequence[PreparedEnd]) -> Mapping[str, EndVerdict]:
    """Write the ends of several attempts (R15); return by job what became of each.

    Raise the error of the database if one of them cannot be stored; then none is.
    """
    given = sorted(ends, key=lambda one: one.key.job_id)
    stored = [(one.key, one.stored) for one in given if one.stored is not None]
    written = group_ends.succeed_all(
        [Success(one.key, one.result) for one in given], group_results.upsert_all(stored)
    )
    return {
        one.key.job_id: EndVerdict.WRITTEN
        if one.key.job_id in written or finishing.succeeded_before(one.key)
        else EndVerdict.STALE
        for one in given
    }
