"""Selectors of jobs for a change of state: named conditions with their parameters.

Other rooms choose one of them and write no SQL of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.states import JobState
from offload.db.statements import named, numbered, placeholders
from offload.models import Instance, Job
from offload.models.indexes import BOUND, HAS_KEY, QUEUED, RUNNING, Predicate
from offload.models.instances import LIVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey
    from offload.core.envelopes import Key
    from offload.core.placement.lanes import Lane

JOB, INSTANCE = Job._meta.db_table, Instance._meta.db_table
#: One row, by its key, in a form that keeps planners from reading the index of all bound jobs when
#: they expect few.
IS_QUEUED = f"(state = '{JobState.QUEUED}') IS TRUE"
IS_ACTIVE = f"(state = '{JobState.ACTIVE}') IS TRUE"
BINDING = "id = %(job_id)s AND epoch = %(epoch)s"
ATTEMPT = f"{BINDING} AND token = %(token)s"
#: The attempt that holds this key, while it runs (R4).
CURRENT_ATTEMPT = f"{ATTEMPT} AND {IS_ACTIVE}"
HERE = "instance = %(instance)s AND incarnation = %(incarnation)s"
#: Waits or runs at an instance of the own cluster, for all that is known.
NOT_AT_PEER = "peer IS NULL"
#: Bound to a gone incarnation. A handed-over job needs none, and a peer's is not in the tables.
ORPHANED = (
    f"handed_until IS NULL AND {NOT_AT_PEER} AND NOT EXISTS (SELECT 1 FROM {INSTANCE} i "
    f"WHERE i.name = {JOB}.instance AND i.incarnation = {JOB}.incarnation AND i.{LIVES})"
)
LAST_IN_LINE = (
    f"SELECT id FROM {JOB} WHERE queue = %(queue)s AND {QUEUED} "
    "ORDER BY priority, created_at DESC, id DESC LIMIT %(excess)s"
)
#: Those that run come first, since they are not taken back.
RANKED = (
    "row_number() OVER (PARTITION BY {} ORDER BY CASE WHEN "
    f"state = '{JobState.ACTIVE}' THEN 0 ELSE 1 END, priority DESC, created_at, id)"
)
BEYOND = (
    f"SELECT id FROM (SELECT id, state, {{ranked}} AS place FROM {JOB} "
    f"WHERE queue = %(queue)s AND {BOUND} AND {{which}}) AS line "
    f"WHERE place > %(most)s AND state = '{JobState.QUEUED}'"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """The holder of a message: only jobs bound to it may begin. Empty fields are not compared."""

    instance: str = ""
    incarnation: str = ""

    def given(self) -> dict[str, str]:
        """Return the compared columns and their values."""
        columns = {"instance": self.instance, "incarnation": self.incarnation}
        return {name: value for name, value in columns.items() if value}

    @property
    def condition(self) -> str:
        """Return SQL to append to a condition on jobs; its parameters are ``given``."""
        return "".join(f" AND {name} = %({name})s" for name in self.given())


ANY_HOLDER = Holder()


@dataclass(frozen=True, slots=True)
class Selector:
    """A condition on the rows of jobs, with its parameters by name."""

    condition: str
    params: Mapping[str, object] = field(default_factory=dict)

    def where(self, condition: str | Predicate) -> Selector:
        """Return the jobs among these that meet a further condition."""
        return Selector(f"{self.condition} AND {condition}", self.params)

    def given(self, **params: object) -> dict[str, object]:
        """Return the parameters for a statement about these jobs, together with further ones."""
        return named(self.params, params)


def params_of(key: AttemptKey) -> dict[str, object]:
    """Return the parameters of ``ATTEMPT`` and ``CURRENT_ATTEMPT``."""
    return {"job_id": key.job_id, "epoch": key.epoch, "token": key.token}


def attempt(key: AttemptKey) -> Selector:
    """Return the job of this attempt, as long as the attempt is current."""
    return Selector(CURRENT_ATTEMPT, params_of(key))


def one(binding: Key) -> Selector:
    """Return one binding of a job."""
    job_id, epoch = binding
    return Selector(BINDING, {"job_id": job_id, "epoch": epoch})


def process(binding: Key, holder: Holder = ANY_HOLDER) -> Selector:
    """Return one attempt that has a process; a handed-over one has none."""
    running = one(binding).where(RUNNING)
    return Selector(f"{running.condition}{holder.condition}", running.given(**holder.given()))


def these(job_ids: Sequence[str]) -> Selector:
    """Return the jobs of these ids."""
    return _listed("id", job_ids)


def bound_to(instance: str, incarnation: str) -> Selector:
    """Return the jobs that are bound to an incarnation."""
    return Selector(
        HERE,
        {"instance": instance, "incarnation": incarnation},
    )


def bound_to_another(instance: str, incarnation: str) -> Selector:
    """Return the jobs that are bound to other incarnations of the same name."""
    return Selector(
        "instance = %(instance)s AND incarnation <> %(incarnation)s",
        {"instance": instance, "incarnation": incarnation},
    )


def of_topics(instance: str, topics: Sequence[str]) -> Selector:
    """Return the jobs of these topics that are bound to an instance."""
    there = _listed("topic", topics)
    return Selector(
        f"instance = %(instance)s AND {there.condition}", there.given(instance=instance)
    )


def of_lanes(instance: str, lanes: Sequence[Lane]) -> Selector:
    """Return the jobs of these lanes that are bound to an instance."""
    there = _listed("lane", list(map(str, lanes)))
    return Selector(
        f"instance = %(instance)s AND {there.condition}", there.given(instance=instance)
    )


def orphaned(job_ids: Sequence[str]) -> Selector:
    """Return the jobs among these whose incarnation is gone."""
    return these(job_ids).where(ORPHANED)


def beyond_limit(queue: str, excess: int) -> Selector:
    """Return that many unstarted bound jobs of a queue, the last in line first."""
    return Selector(f"id IN ({LAST_IN_LINE})", {"queue": queue, "excess": excess})


def beyond_limit_of_keys(queue: str, most: int) -> Selector:
    """Return the unstarted bound jobs of a queue after the first so many of their key."""
    found = BEYOND.format(ranked=RANKED.format("key"), which=HAS_KEY)
    return Selector(f"id IN ({found})", {"queue": queue, "most": most})


def beyond_limit_on(queue: str, instance: str, most: int) -> Selector:
    """Return the unstarted jobs of a queue after the first so many on an instance."""
    which = "instance = %(instance)s"
    found = BEYOND.format(ranked=RANKED.format("instance"), which=which)
    return Selector(f"id IN ({found})", {"queue": queue, "instance": instance, "most": most})


def beyond_limit_at(queue: str, instances: Sequence[str], most: int) -> Selector:
    """Return the unstarted jobs of a queue after the first so many on several instances."""
    there = _listed("instance", instances)
    found = BEYOND.format(ranked=RANKED.format("queue"), which=there.condition)
    return Selector(f"id IN ({found})", there.given(queue=queue, most=most))


def _listed(column: str, values: Sequence[object]) -> Selector:
    params = numbered(column, values)
    return Selector(f"{column} IN ({placeholders(params)})", params)
