"""The path of a submitted job to its instance: an agent is woken, or the submitter binds it."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offload.core.placement.planning import Plan
    from offload.core.placement.topology import InstanceInfo
    from offload.core.policies import Policy

#: The property by which an instance announces how its agent is woken, and its values: not at all,
#: from its own host alone, or by the database too.
WAKEUPS, NONE, LOCAL, NOTIFY = "wakeups", "none", "local", "notify"


class SubmitPath(enum.Enum):
    """The binder of a job that was just submitted."""

    # It is stored by one insert, and an agent is woken that binds it.
    WAKE = enum.auto()
    # Whoever submits it binds it, as far as there is room.
    BIND = enum.auto()


@dataclass(frozen=True, slots=True)
class Wakeable:
    """The agents that a process can wake for a job, by the incarnations of their instances."""

    # On the own host.
    near: tuple[str, ...] = ()
    # By the database.
    far: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.near or self.far)


# A plan is compared by identity, and itself remembered as long as its topology is.
@lru_cache(maxsize=1024)
def wakeable(planned: Plan, host: str, *, notifies: bool) -> Wakeable:
    """Return the agents that can be woken, of those whose instances can run a job.

    `host` is that of this process; `notifies` says whether it can send by the database.
    """
    own = [one.instance for one in planned.candidates if not one.instance.peer]
    here = [one for one in own if one.properties.get("host") == host]
    return Wakeable(
        near=tuple(one.incarnation for one in here if _ways(one) in {LOCAL, NOTIFY}),
        far=tuple(one.incarnation for one in own if notifies and _ways(one) == NOTIFY),
    )


def _ways(instance: InstanceInfo) -> object:
    return instance.properties.get(WAKEUPS, NONE)


def submit_path(*, is_on: bool, is_plain: bool, policy: Policy, agents: Wakeable) -> SubmitPath:
    """Return the path of a job: only plain ones of plain queues are left to an agent.

    `is_on` is the setting, and `is_plain` says whether the job itself asks for nothing that is
    counted, kept or awaited. Without an agent that can be woken, nobody would look for it at once.
    """
    counted = not policy.is_plain or policy.resources or policy.drains
    takes = is_on and is_plain and not counted and agents
    return SubmitPath.WAKE if takes else SubmitPath.BIND
