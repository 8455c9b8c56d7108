"""Which waiting jobs may be bound to which place, as conditions on their rows."""

from __future__ import annotations

from offload.conf import peers
from offload.core.envelopes import ERRBACK_TASK
from offload.db import database
from offload.models import Exclusion, Job, News, Peer

JOB = Job._meta.db_table
#: A clone stays where it is (P10), and an error callback reads the row of the failed job. Whether
#: files may travel, the lane says.
TRAVELS = f"home IS NULL AND kind = 'job' AND task <> '{ERRBACK_TASK}'"
#: The clone that a job is, or that its run is here for (P15).
CLONE_ID = f"CASE WHEN {JOB}.run_id IS NULL THEN {JOB}.id ELSE {JOB}.root_id END"
#: How to find one text in another.
POSITION = {"sqlite": "instr", "postgresql": "strpos"}


def fits(*, remote: bool, clones: bool) -> str:
    """Return the condition that a job may go to a place.

    ``remote`` says that the place is a peer's instance, ``clones`` that there may be clones here.
    """
    if remote:
        return f"{not_excluded()} AND {TRAVELS}"
    if clones:
        # Bound without a lease it could not begin, and would wait ever longer for its next message.
        return (
            f"{not_excluded()} AND (home IS NULL OR ({_is_allowed_by_home()} AND {_home_leases()}))"
        )
    return not_excluded()


def not_excluded() -> str:
    """Return the condition that no recent refusal keeps the job from the incarnation."""
    return (
        f"NOT EXISTS (SELECT 1 FROM {Exclusion._meta.db_table} x WHERE x.job_id = {JOB}.id "
        f"AND x.incarnation = %(incarnation)s AND x.until > {database.now()})"
    )


def travels_to(incarnations: str, count: int) -> str:
    """Return the condition that a job may go to one of so many incarnations of other clusters.

    ``incarnations`` are their placeholders.
    """
    return f"{TRAVELS} AND {goes_to(incarnations, count)}"


def goes_to(incarnations: str, count: int) -> str:
    """Return the condition that a job was not refused by all of so many incarnations.

    ``incarnations`` are their placeholders.
    """
    refused = (
        f"SELECT count(*) FROM {Exclusion._meta.db_table} x WHERE x.job_id = {JOB}.id "
        f"AND x.incarnation IN ({incarnations}) AND x.until > {database.now()}"
    )
    return f"({refused}) < {count:d}"


def _is_allowed_by_home() -> str:
    """Return the condition that home allows a clone on the instance."""
    return (
        f"EXISTS (SELECT 1 FROM {News._meta.db_table} n WHERE n.home = {JOB}.home "
        f"AND n.job_id = {CLONE_ID} AND "
        f"{POSITION[database.vendor()]}(n.allowed, '|' || %(instance)s || '|') > 0)"
    )


def is_leased() -> str:
    """Return the condition, to append to others, that a clone has a lease (P8), if needed."""
    if not peers():
        return ""
    return f" AND (home IS NULL OR {_home_leases()})"


def _home_leases() -> str:
    """Return the condition that the lease that a clone has of its home is not over."""
    return (
        f"EXISTS (SELECT 1 FROM {Peer._meta.db_table} p "
        f"WHERE p.name = {JOB}.home AND p.lease_until > {database.now()})"
    )
