"""Which jobs a change of state is for: conditions with names, and the parameters of each.

Other rooms choose one of them and write no SQL of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.db.statements import named
from offload.models import Instance, Job
from offload.models.instances import LIVES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offload.core.attempt_key import AttemptKey

JOB, INSTANCE = Job._meta.db_table, Instance._meta.db_table
#: One row, by its key: said so that no planner, hearing that few jobs are bound, reads the index
#: of them all instead.
IS_QUEUED = "(state = 'QUEUED') IS TRUE"
IS_ACTIVE = "(state = 'ACTIVE') IS TRUE"
BINDING = "id = %(job_id)s AND epoch = %(epoch)s"
ATTEMPT = f"{BINDING} AND token = %(token)s"
#: The attempt that holds this key, while it runs (R4).
CURRENT_ATTEMPT = f"{ATTEMPT} AND {IS_ACTIVE}"
#: An attempt that has a process.
RUNNING = "state = 'ACTIVE' AND handed_until IS NULL"
#: Bound to an incarnation that does not live. What was handed over needs none.
STRAY = (
    f"handed_until IS NULL AND NOT EXISTS (SELECT 1 FROM {INSTANCE} i "
    f"WHERE i.name = {JOB}.instance AND i.incarnation = {JOB}.incarnation AND i.{LIVES})"
)
LAST_IN_LINE = (
    f"SELECT id FROM {JOB} WHERE queue = %(queue)s AND state = 'QUEUED' "
    "ORDER BY priority, created_at DESC, id DESC LIMIT %(excess)s"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Where an attempt begins: only what is bound to there may. What is empty is not compared."""

    instance: str = ""
    incarnation: str = ""

    def given(self) -> dict[str, str]:
        """Return the columns that are compared, and the value of each."""
        columns = {"instance": self.instance, "incarnation": self.incarnation}
        return {name: value for name, value in columns.items() if value}

    @property
    def condition(self) -> str:
        """Return what follows another condition on jobs; its parameters are ``given``."""
        return "".join(f" AND {name} = %({name})s" for name in self.given())


ANYWHERE = Seat()


@dataclass(frozen=True, slots=True)
class Selector:
    """A condition on the rows of jobs, with its parameters by name."""

    condition: str
    params: Mapping[str, object] = field(default_factory=dict)

    def where(self, condition: str) -> Selector:
        """Return what of these jobs meets a further condition."""
        return Selector(f"{self.condition} AND {condition}", self.params)

    def given(self, **params: object) -> dict[str, object]:
        """Return the parameters of a statement about these jobs, with those it adds."""
        return named(self.params, params)


def params_of(key: AttemptKey) -> dict[str, object]:
    """Return the parameters of ``ATTEMPT`` and ``CURRENT_ATTEMPT``."""
    return {"job_id": key.job_id, "epoch": key.epoch, "token": key.token}


def attempt(key: AttemptKey) -> Selector:
    """Return the job that this attempt runs, as long as it is the one."""
    return Selector(CURRENT_ATTEMPT, params_of(key))


def one(job_id: str, epoch: int) -> Selector:
    """Return one binding of a job."""
    return Selector(BINDING, {"job_id": job_id, "epoch": epoch})


def process(job_id: str, epoch: int, here: Seat = ANYWHERE) -> Selector:
    """Return one attempt that has a process here; one that was handed over has none."""
    running = one(job_id, epoch).where(RUNNING)
    return Selector(f"{running.condition}{here.condition}", running.given(**here.given()))


def these(job_ids: Sequence[str]) -> Selector:
    """Return the jobs of these ids."""
    return _listed("id", job_ids)


def bound_to(instance: str, incarnation: str) -> Selector:
    """Return what is bound to an incarnation."""
    return Selector(
        "instance = %(instance)s AND incarnation = %(incarnation)s",
        {"instance": instance, "incarnation": incarnation},
    )


def bound_to_another(instance: str, incarnation: str) -> Selector:
    """Return what is bound to any other incarnation of this one's name."""
    return Selector(
        "instance = %(instance)s AND incarnation <> %(incarnation)s",
        {"instance": instance, "incarnation": incarnation},
    )


def of_topics(instance: str, topics: Sequence[str]) -> Selector:
    """Return what of these topics is bound to an instance."""
    there = _listed("topic", topics)
    return Selector(
        f"instance = %(instance)s AND {there.condition}", there.given(instance=instance)
    )


def stray(job_ids: Sequence[str]) -> Selector:
    """Return those of these jobs whose incarnation does not live."""
    return these(job_ids).where(STRAY)


def beyond_limit(queue: str, excess: int) -> Selector:
    """Return so many bound jobs of a queue that have not begun, the last in line first."""
    return Selector(f"id IN ({LAST_IN_LINE})", {"queue": queue, "excess": excess})


def _listed(column: str, values: Sequence[object]) -> Selector:
    params = {f"{column}_{number}": value for number, value in enumerate(values)}
    marks = ", ".join(f"%({name})s" for name in params)
    return Selector(f"{column} IN ({marks})", params)
