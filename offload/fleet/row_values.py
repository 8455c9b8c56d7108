"""Rows of instances, rules and queues as values for decisions."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar

from offload.conf import settings
from offload.core.exceptions import (
    InvalidPattern,
    InvalidRequirement,
    OffloadError,
)
from offload.core.matching.requirements import UNREADABLE, Requirements
from offload.core.matching.retried_errors import ALL_ERRORS, RetriedErrors
from offload.core.placement.topology import RoutingRule, RuleVerb, Scope
from offload.core.policies import DEFAULT_POLICY, ClusterOrder, Policy, QueueType
from offload.core.retries import RetryPolicy
from offload.core.topics import Pattern
from offload.core.validation.bounds import (
    AGEING,
    BACKOFF,
    PARALLEL,
    RANKING,
    RETENTION_DAYS,
    RETRIES,
    RETRY_DELAY,
)
from offload.fleet.queue_values import (
    escalation_of,
    key_rules_of,
    prefers_of,
    rate_of,
    rescue_of,
    resources_of,
    windows_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from offload.models import Queue, Rule

T = TypeVar("T")
Row = TypeVar("Row")

logger = logging.getLogger("offload.topology")

#: The reason of an instance that left in an orderly way.
GOODBYE = "goodbye"

#: The errors of reading a row that was written by hand or by newer code.
UNREADABLE_ROW_ERRORS = (OffloadError, AttributeError, KeyError, TypeError, ValueError)


def readable(rows: Iterable[Row], read: Callable[[Row], T]) -> Iterator[T]:
    """Yield rows as values; log and skip rows that cannot be read."""
    for row in rows:
        try:
            yield read(row)
        except UNREADABLE_ROW_ERRORS as error:
            logger.error("left out, since it cannot be read: %s: %s", row, error)


def default_policy() -> Policy:
    """Return the policy of the queue ``default`` as the settings define it."""
    given = settings()
    retry = _retry(given.retries, given.retry_delay, given.retry_backoff)
    return replace(DEFAULT_POLICY, retry=retry)


def _retry(
    retries: int, delay: float, backoff: float, errors: RetriedErrors = ALL_ERRORS
) -> RetryPolicy:
    given = settings()
    return RetryPolicy(
        retries=retries,
        delay=delay,
        backoff=backoff,
        max_delay=given.retry_max_delay,
        jitter=given.retry_jitter,
        crashes=given.crashes,
        errors=errors,
    )


def listed(value: object) -> list[Any]:
    """Return a value that should be a list; an empty one for anything else."""
    return value if isinstance(value, list) else []


def texts(value: object) -> frozenset[str]:
    """Return the texts of a value that should be a list of them."""
    return frozenset(one for one in listed(value) if isinstance(one, str))


def rule_of(row: Rule) -> RoutingRule:
    """Return a rule's row as a value."""
    return RoutingRule(
        id=row.pk,
        verb=RuleVerb(row.verb),
        scope=Scope(row.scope),
        target=row.target,
        pattern=Pattern.parse(row.pattern),
        until=row.until,
        note=row.note,
        rests_until=row.rests_until,
    )


def policy_of(row: Queue) -> Policy:
    """Return a queue's row as a value; numbers out of bounds become the nearest valid ones."""
    return Policy(
        name=row.name,
        patterns=_patterns(row),
        type=QueueType(row.type) if row.type in set(QueueType) else QueueType.UNORDERED,
        max_parallel=None if row.max_parallel is None else PARALLEL.nearest_whole(row.max_parallel),
        rate=rate_of(row),
        windows=windows_of(row),
        ageing=None if row.ageing is None else AGEING.nearest(row.ageing),
        max_per_instance=row.max_per_instance,
        max_per_host=None if row.max_per_host is None else PARALLEL.nearest_whole(row.max_per_host),
        keys=key_rules_of(row),
        cluster_order=_cluster_order(row.cluster_order),
        requires=_requires(row),
        prefers=prefers_of(row),
        escalation=escalation_of(row),
        leader_only=row.leader_only,
        prefer_creation_instance=row.prefer_creation_instance,
        resources=resources_of(row),
        retry=_retry(
            RETRIES.nearest_whole(row.retries),
            RETRY_DELAY.nearest(row.retry_delay),
            BACKOFF.nearest(row.backoff),
            _errors(row),
        ),
        rerun=row.rerun,
        rescue=rescue_of(row),
        suspended=row.suspended,
        drains=row.drains,
        held_since=row.held_since,
        held_by=row.held_by,
        note=row.note,
        is_declared=row.is_declared,
        ranking=RANKING.nearest_whole(row.ranking),
        retention=_retention(row.retention_days),
    )


def _errors(row: Queue) -> RetriedErrors:
    """Return the lists of errors of a queue; names that cannot be read match none."""
    return RetriedErrors(
        only=tuple(sorted(texts(row.retry_on))), never=tuple(sorted(texts(row.no_retry_on)))
    )


def _cluster_order(value: str) -> ClusterOrder:
    return ClusterOrder(value) if value in set(ClusterOrder) else ClusterOrder.LOCAL_FIRST


def _requires(row: Queue) -> Requirements:
    """Return the requirements of a queue; what cannot be read, no instance meets."""
    try:
        return Requirements.of(row.requires)
    except InvalidRequirement as error:
        logger.error("no job of queue %s can run: its requirements cannot be read: %s", row, error)
        return UNREADABLE


def patterns_of(row: Queue) -> tuple[Pattern, ...]:
    """Return the patterns of a queue; raise InvalidPattern if one is invalid."""
    if not isinstance(row.topics, list):
        raise InvalidPattern(pattern=row.topics, problem="it is not a list of patterns")
    return tuple(map(Pattern.parse, row.topics))


def _patterns(row: Queue) -> tuple[Pattern, ...]:
    """Return the patterns of a queue, or none if they cannot be read."""
    try:
        return patterns_of(row)
    except InvalidPattern as error:
        logger.error("queue %s takes no topic: its patterns cannot be read: %s", row.name, error)
        return ()


def _retention(days: int | None) -> timedelta | None:
    return timedelta(days=RETENTION_DAYS.nearest_whole(days)) if days else None
