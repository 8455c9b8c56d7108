"""Keys, preferences, rates and windows of queues, from their rows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.utils.timezone import get_default_timezone_name

from offload.core.exceptions import (
    InvalidPlacement,
    InvalidPreference,
    InvalidRate,
    InvalidResource,
    InvalidWindow,
    UnknownTimeZone,
)
from offload.core.matching.amounts import UNREADABLE, Amounts
from offload.core.matching.escalation import NO_ESCALATION, Escalation
from offload.core.matching.job_keys import KeyRules, sorted_weights, weights_problem
from offload.core.matching.preferences import INDIFFERENT, Preferences
from offload.core.matching.rescue import Rescue, RescueRule
from offload.core.timing.rates import Rate
from offload.core.timing.windows import Windows, zone_of
from offload.core.validation.bounds import PARALLEL, RESCUE

if TYPE_CHECKING:
    from offload.models import Queue

logger = logging.getLogger("offload.topology")


def key_rules_of(row: Queue) -> KeyRules:
    """Return the rules of a queue by keys; weights that cannot be read are all one."""
    problem = weights_problem(row.weights)
    if problem:
        logger.error("keys of queue %s have equal weights: %s", row, problem)
    return KeyRules(
        path=row.key,
        most=None if row.max_per_key is None else PARALLEL.nearest_whole(row.max_per_key),
        is_fair=row.fair,
        weights=() if problem else sorted_weights(row.weights),
    )


def prefers_of(row: Queue) -> Preferences:
    """Return the preferences of a queue; with some that cannot be read it has none."""
    try:
        return Preferences.of(row.prefers)
    except InvalidPreference as error:
        logger.error("queue %s prefers nothing: its preferences cannot be read: %s", row, error)
        return INDIFFERENT


def escalation_of(row: Queue) -> Escalation:
    """Return the escalation of a queue; none if it cannot be read."""
    try:
        return Escalation.of(row.retry_with)
    except InvalidPlacement as error:
        logger.error("queue %s raises nothing: %s", row, error)
        return NO_ESCALATION


def rescue_of(row: Queue) -> RescueRule:
    """Return the rule of a queue for lost jobs; an unknown word means anywhere."""
    where = Rescue(row.rescue) if row.rescue in set(Rescue) else Rescue.ANYWHERE
    return RescueRule(where=where, seconds=RESCUE.nearest(row.rescue_seconds))


def resources_of(row: Queue) -> Amounts:
    """Return the amounts of resources that jobs of a queue use; unreadable ones let them wait."""
    try:
        return Amounts.of(row.resources)
    except InvalidResource as error:
        logger.error("jobs of queue %s wait: its resources cannot be read: %s", row, error)
        return UNREADABLE


def rate_of(row: Queue) -> Rate | None:
    """Return the rate of a queue; one that cannot be read lets the fewest begin."""
    try:
        return Rate.parse(row.rate, row.burst) if row.rate else None
    except InvalidRate as error:
        logger.error("queue %s begins one job a day: its rate cannot be read: %s", row, error)
        return Rate(1, "d")


def windows_of(row: Queue) -> Windows | None:
    """Return the windows of a queue; with some that cannot be read it never opens."""
    if row.windows == []:
        return None
    try:
        return Windows.of(row.windows, row.time_zone or get_default_timezone_name())
    except (InvalidWindow, UnknownTimeZone) as error:
        logger.error("queue %s never opens: its windows cannot be read: %s", row, error)
        return Windows((), zone_of("UTC"))
