"""Rules of queues by keys, from their rows."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from offload.core.matching.job_keys import KeyRules, sorted_weights, weights_problem
from offload.core.validation.bounds import PARALLEL

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
