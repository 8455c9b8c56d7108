"""Constraints and indexes of jobs.

Each partial index is as large as the open cases of the query it serves (F3), so that a sweep costs
the same with a million finished jobs as with none. A job is written four times, each time into
every index that holds it, so values that most jobs do not have are in partial indexes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q

from offload.core.states import FAILED, FINAL, JobState

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Predicate:
    """A condition on rows: in SQL by its name in braces, in querysets as ``q``."""

    sql: str
    q: Q

    def __str__(self) -> str:
        """Return the SQL."""
        return self.sql


def _in_one_of(states: Iterable[JobState]) -> Predicate:
    names = [state.value for state in sorted(states)]
    return Predicate(f"state IN ({', '.join(map(repr, names))})", Q(state__in=names))


#: The SQL is word for word as the partial indexes have it: SQLite takes an index for no other
#: words. Those that say BOUND first find the index of all that is bound.
BOUND = Predicate("state IN ('QUEUED', 'ACTIVE')", Q(state__in=["QUEUED", "ACTIVE"]))
QUEUED = Predicate(f"{BOUND} AND state = 'QUEUED'", Q(state="QUEUED"))
ACTIVE = Predicate(f"{BOUND} AND state = 'ACTIVE'", Q(state="ACTIVE"))
PENDING = Predicate("state = 'PENDING'", Q(state="PENDING"))
UNSTARTED = Predicate("state IN ('PENDING', 'QUEUED')", Q(state__in=["PENDING", "QUEUED"]))
UNFINISHED = Predicate(
    "state IN ('PENDING', 'QUEUED', 'ACTIVE')", Q(state__in=["PENDING", "QUEUED", "ACTIVE"])
)
ENDED = _in_one_of(FINAL)
HAS_FAILED = _in_one_of(FAILED)
#: Could be bound now.
WAITING = Predicate(
    f"{PENDING} AND hold = '' AND run_at IS NULL", Q(state="PENDING", hold="", run_at=None)
)
SUSPECT = Predicate(f"{PENDING} AND hold = 'suspect'", Q(state="PENDING", hold="suspect"))
WAITING_SUSPECT = Predicate(f"{SUSPECT} AND run_at IS NULL", SUSPECT.q & Q(run_at=None))
#: Was delayed, or waits for its retry.
TIMED = Predicate(f"{PENDING} AND run_at IS NOT NULL", Q(state="PENDING", run_at__isnull=False))
#: The states of jobs that are in line in an ordered queue.
IN_LINE = Predicate(
    f"{PENDING} AND hold IN ('', 'suspect')", Q(state="PENDING", hold__in=["", "suspect"])
)
IN_ORDER = "ORDER BY priority DESC, created_at, id"
#: Its attempt has a process; that of one which was handed over has none.
RUNNING = Predicate(
    "state = 'ACTIVE' AND handed_until IS NULL", Q(state="ACTIVE", handed_until=None)
)
HANDED_OVER = Predicate(
    "state = 'ACTIVE' AND handed_until IS NOT NULL", Q(state="ACTIVE", handed_until__isnull=False)
)
RELAY = Predicate(f"{PENDING} AND hold = 'relay'", Q(state="PENDING", hold="relay"))
UNSENT = Predicate(f"{RELAY} AND publishes = 0", Q(state="PENDING", hold="relay", publishes=0))
#: A plain Celery task that somebody began to send is Celery's to stop.
SENT_TO_CELERY = Predicate(
    "(hold = 'relay' AND (publishes > 0 OR bound_at IS NOT NULL))",
    Q(hold="relay") & (Q(publishes__gt=0) | Q(bound_at__isnull=False)),
)
#: Nothing runs it, here, by Celery or, for all that is known, at a peer.
ENDABLE = Predicate(
    f"({UNSTARTED} AND peer IS NULL AND NOT {SENT_TO_CELERY} OR ({HANDED_OVER}))",
    UNSTARTED.q & Q(peer=None) & ~SENT_TO_CELERY.q | HANDED_OVER.q,
)
#: Waits for another to put something into it. Those of plain tasks do too: one that replaced
#: itself by a canvas left its id to the last node.
FILLABLE = Predicate(
    f"{PENDING} AND hold IN ('replaced', 'dependency', 'relay')",
    Q(state="PENDING", hold__in=["replaced", "dependency", "relay"]),
)
HAS_KEY = Predicate("NOT (key = '')", ~Q(key=""))
#: Could be bound now, and its queue may tell it apart from others by its key.
WAITING_KEYED = Predicate(f"{WAITING} AND {HAS_KEY}", WAITING.q & HAS_KEY.q)
#: In line behind others of its key, whatever lane it waits in.
IN_LINE_KEYED = Predicate(f"{IN_LINE} AND {HAS_KEY}", IN_LINE.q & HAS_KEY.q)
HAS_PARENT = Predicate("NOT (parent_id = '')", ~Q(parent_id=""))

CONSTRAINTS: list[models.BaseConstraint] = [
    models.CheckConstraint(
        name="offload_job_somewhere",
        condition=~Q(state__in=["QUEUED", "ACTIVE"])
        | (~Q(instance="") & Q(epoch__gt=0))
        | Q(state="ACTIVE", handed_until__isnull=False, epoch__gt=0),
    ),
    # It names every state and so refuses other values; a second constraint would be checked for
    # every written row as well.
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
        condition=WAITING.q,
    ),
    models.Index(
        fields=["instance", "state"],
        name="offload_job_bound",
        condition=BOUND.q,
    ),
    models.Index(
        fields=["id"],
        name="offload_job_suspect",
        condition=SUSPECT.q,
    ),
    models.Index(
        fields=["run_at"],
        name="offload_job_due",
        condition=TIMED.q,
    ),
    models.Index(
        fields=["expires_at"],
        name="offload_job_expires",
        condition=Q(state__in=["PENDING", "QUEUED"], expires_at__isnull=False),
    ),
    models.Index(
        fields=["handed_until"],
        name="offload_job_handed",
        condition=HANDED_OVER.q,
    ),
    models.Index(fields=["id"], name="offload_job_aftermath", condition=Q(aftermath_due=True)),
    models.Index(fields=["parent_id"], name="offload_job_children", condition=HAS_PARENT.q),
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
        condition=BOUND.q,
    ),
    models.Index(
        fields=["bound_at"],
        name="offload_job_relay",
        condition=RELAY.q,
    ),
    models.Index(
        fields=["bound_at"],
        name="offload_job_unsent",
        condition=UNSENT.q,
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
        condition=HAS_FAILED.q,
    ),
    # The head of an ordered queue, which may be in any of its lanes; begun jobs come first.
    models.Index(
        fields=["queue", "-priority", "created_at", "id"],
        name="offload_job_begun",
        condition=Q(state="PENDING", hold__in=["", "suspect"], attempts__gt=0),
    ),
    models.Index(
        fields=["queue", "-priority", "created_at", "id"],
        name="offload_job_head",
        condition=IN_LINE.q,
    ),
    # The next key of a lane, and the first jobs of a key.
    models.Index(
        fields=["lane", "key", "-priority", "created_at", "id"],
        name="offload_job_keys",
        condition=WAITING_KEYED.q,
    ),
    # The head of a key of an ordered queue, as above.
    models.Index(
        fields=["queue", "key", "-priority", "created_at", "id"],
        name="offload_job_key_begun",
        condition=IN_LINE_KEYED.q & Q(attempts__gt=0),
    ),
    models.Index(
        fields=["queue", "key", "-priority", "created_at", "id"],
        name="offload_job_key_head",
        condition=IN_LINE_KEYED.q,
    ),
    # Lists of the jobs of a key.
    models.Index(
        fields=["key", "-created_at", "-id"],
        name="offload_job_of_key",
        condition=HAS_KEY.q,
    ),
]
