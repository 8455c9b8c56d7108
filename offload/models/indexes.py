"""Constraints and indexes of jobs.

Each partial index is as large as the open cases of the question it answers (F3), so that a sweep
costs the same over a million finished jobs as over none. A job is written four times, each time
into every index that holds it: what most jobs have none of is indexed where it is there.
"""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from offload.core.states import FAILED, FINAL, JobState

#: Conditions in SQL that partial indexes answer, word for word as these have them: SQLite takes an
#: index for no other words. Those that say BOUND first find the index of all that is bound.
BOUND = "state IN ('QUEUED', 'ACTIVE')"
QUEUED = f"{BOUND} AND state = 'QUEUED'"
ACTIVE = f"{BOUND} AND state = 'ACTIVE'"
WAITING = "state = 'PENDING' AND hold = '' AND run_at IS NULL"
SUSPECT = "state = 'PENDING' AND hold = 'suspect'"
#: What an ordered queue counts as being in line.
IN_LINE = "state = 'PENDING' AND hold IN ('', 'suspect')"
UNBEGUN = "state IN ('PENDING', 'QUEUED')"
HANDED_OVER = "state = 'ACTIVE' AND handed_until IS NOT NULL"
RELAY = "state = 'PENDING' AND hold = 'relay'"
UNSENT = f"{RELAY} AND publishes = 0"

CONSTRAINTS: list[models.BaseConstraint] = [
    models.CheckConstraint(
        name="offload_job_somewhere",
        condition=~Q(state__in=["QUEUED", "ACTIVE"])
        | (~Q(instance="") & Q(epoch__gt=0))
        | Q(state="ACTIVE", handed_until__isnull=False, epoch__gt=0),
    ),
    # It names every state, so that it keeps out what is none: each constraint is read anew for
    # every row that is written.
    models.CheckConstraint(
        name="offload_job_finished",
        condition=Q(state__in=[s.value for s in JobState if not s.is_final], finished_at=None)
        | Q(state__in=sorted(FINAL), finished_at__isnull=False),
    ),
]
INDEXES = [
    models.Index(
        fields=["lane", "-priority", "created_at", "id"],
        name="offload_job_waiting",
        condition=Q(state="PENDING", hold="", run_at=None),
    ),
    models.Index(
        fields=["instance", "state"],
        name="offload_job_bound",
        condition=Q(state__in=["QUEUED", "ACTIVE"]),
    ),
    models.Index(
        fields=["id"],
        name="offload_job_suspect",
        condition=Q(state="PENDING", hold="suspect"),
    ),
    models.Index(
        fields=["run_at"],
        name="offload_job_due",
        condition=Q(state="PENDING", run_at__isnull=False),
    ),
    models.Index(
        fields=["expires_at"],
        name="offload_job_expires",
        condition=Q(state__in=["PENDING", "QUEUED"], expires_at__isnull=False),
    ),
    models.Index(
        fields=["handed_until"],
        name="offload_job_handed",
        condition=Q(state="ACTIVE", handed_until__isnull=False),
    ),
    models.Index(fields=["id"], name="offload_job_aftermath", condition=Q(aftermath_due=True)),
    models.Index(fields=["parent_id"], name="offload_job_children", condition=~Q(parent_id="")),
    models.Index(
        fields=["retry_of"], name="offload_job_retry", condition=Q(retry_of__isnull=False)
    ),
    models.Index(fields=["run"], name="offload_job_run", condition=Q(run__isnull=False)),
    models.Index(
        fields=["payload"], name="offload_job_payload", condition=Q(payload__isnull=False)
    ),
    models.Index(
        fields=["queue"],
        name="offload_job_in_queue",
        condition=Q(state__in=["QUEUED", "ACTIVE"]),
    ),
    models.Index(
        fields=["bound_at"],
        name="offload_job_relay",
        condition=Q(state="PENDING", hold="relay"),
    ),
    models.Index(
        fields=["bound_at"],
        name="offload_job_unsent",
        condition=Q(state="PENDING", hold="relay", publishes=0),
    ),
    models.Index(
        fields=["queue", "finished_at"],
        name="offload_job_history",
        condition=Q(finished_at__isnull=False),
    ),
    models.Index(fields=["created_at"], name="offload_job_created"),
    models.Index(
        fields=["finished_at"],
        name="offload_job_failed",
        condition=Q(state__in=[state.value for state in sorted(FAILED)]),
    ),
    # The head of an ordered queue, which may be in any of its lanes; what began comes first.
    models.Index(
        fields=["queue", "-priority", "created_at", "id"],
        name="offload_job_begun",
        condition=Q(state="PENDING", hold__in=["", "suspect"], attempts__gt=0),
    ),
    models.Index(
        fields=["queue", "-priority", "created_at", "id"],
        name="offload_job_head",
        condition=Q(state="PENDING", hold__in=["", "suspect"]),
    ),
]
