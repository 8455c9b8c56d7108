"""Constraints of queues: the bounds of their numbers, as the database keeps them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

from offload.core.validation.bounds import (
    AGEING,
    BACKOFF,
    BURST,
    PARALLEL,
    RANKING,
    RETENTION_DAYS,
    RETRIES,
    RETRY_DELAY,
)
from offload.models.queueing.key_rules import KEY_CONSTRAINTS
from offload.models.queueing.placement_rules import PLACEMENT_CONSTRAINTS
from offload.models.validation import keeps

if TYPE_CHECKING:
    from django.db import models

CONSTRAINTS: list[models.BaseConstraint] = [
    *KEY_CONSTRAINTS,
    *PLACEMENT_CONSTRAINTS,
    keeps(
        "ranking",
        RANKING,
        name="offload_queue_ranking",
        message=_("A ranking is from -1,000,000 to 1,000,000."),
    ),
    keeps(
        "retries",
        RETRIES,
        name="offload_queue_retries",
        message=_("The number of retries is from 0 to 1,000,000, or -1 for no limit."),
    ),
    keeps(
        "retry_delay",
        RETRY_DELAY,
        name="offload_queue_delay",
        message=_("A retry delay is from 0 seconds to a year."),
    ),
    keeps(
        "backoff",
        BACKOFF,
        name="offload_queue_backoff",
        message=_("A backoff is from 1 to 1,000."),
    ),
    keeps(
        "max_parallel",
        PARALLEL,
        name="offload_queue_parallel",
        message=_("At most 1 to 1,000,000 jobs run in parallel; suspend the queue to run none."),
    ),
    keeps(
        "ageing",
        AGEING,
        name="offload_queue_ageing",
        message=_("An ageing is from 1 second to a year."),
    ),
    keeps(
        "burst",
        BURST,
        name="offload_queue_burst",
        message=_("A burst is from 1 to 1,000,000 jobs."),
    ),
    keeps(
        "retention_days",
        RETENTION_DAYS,
        name="offload_queue_retention",
        message=_("History is kept for 1 to 36,500 days, or forever if this is empty."),
    ),
]
