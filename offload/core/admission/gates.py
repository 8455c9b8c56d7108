"""Gates of a queue: each says how many more of its jobs may be bound now, and when that changes.

A gate is a pure function of the policy, the usage and the time; None if the queue has no such gate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from offload.core.placement.judgement import noted
from offload.core.policies import QueueType
from offload.core.states import Waiting
from offload.core.texts import counted

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from offload.core.policies import Policy


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """The capacity that a queue's jobs take at one moment."""

    # Jobs that are bound or run.
    bound: int = 0
    # Of these, at other instances than the leader; counted only if the leader alone runs them.
    elsewhere: int = 0
    # Tokens in the bucket of the queue's rate; None stands for a full one.
    tokens: float | None = None


# Stands for no use at all, to ask for the most that a policy ever admits.
UNUSED = Usage()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateVerdict:
    """How many more jobs of a queue one of its gates lets through."""

    # A word for the gate, such as `limit`.
    gate: str
    # Negative if too many are bound; None for any number.
    n: int | None
    # How much is used of how much, where the gate counts.
    used: float | None = None
    limit: float | None = None
    # Why no more may be bound while it is closed, and that as a sentence about a job.
    waiting: Waiting
    why: str
    # How much is used of how much, in words.
    fact: str
    # The time at which that changes by itself, if it does.
    again_at: datetime | None = None
    # The command that would change it, and what for; `N` in it stands for a number.
    change: str = ""
    purpose: str = ""
    # How much of what it counts one job takes.
    each: int = 1

    @property
    def is_open(self) -> bool:
        """Tell whether any job may pass."""
        return self.n is None or self.n > 0

    @property
    def step(self) -> str:
        """Return the next step for a person; empty if there is none."""
        return f"{self.purpose}: {self.change}" if self.change else ""

    def raised(self, jobs: int) -> str:
        """Return the command that lets so many more jobs through."""
        if self.used is None or self.limit is None or not self.change.endswith(" N"):
            return self.change
        return f"{self.change.removesuffix('N')}{int(self.used) + jobs * self.each}"

    def as_dict(self) -> dict[str, object]:
        """Return the verdict as JSON values."""
        return {
            "gate": self.gate,
            "open": self.is_open,
            "used": self.used,
            "limit": self.limit,
            "fact": self.fact,
            "again_at": self.again_at.isoformat() if self.again_at else None,
            "change": self.change,
        }


Gate: TypeAlias = "Callable[[Policy, Usage, datetime], GateVerdict | None]"


def suspension(policy: Policy, usage: Usage, now: datetime) -> GateVerdict | None:
    """Let nothing through while a person has suspended the queue."""
    if not policy.suspended:
        return None
    return GateVerdict(
        gate="suspended",
        n=-usage.bound,
        waiting=Waiting.SUSPENDED,
        why=_with(Waiting.SUSPENDED, policy.note),
        fact=noted("A person suspended it", policy.note),
        change=f"manage.py offload queues resume {policy.name}",
        purpose="To resume it",
    )


def parallel(policy: Policy, usage: Usage, now: datetime) -> GateVerdict | None:
    """Let through as many jobs as may run at once."""
    if policy.limit is None:
        return None
    is_ordered = policy.type is QueueType.ORDERED
    return GateVerdict(
        gate="limit",
        n=policy.limit - usage.bound,
        used=usage.bound,
        limit=policy.limit,
        waiting=Waiting.QUEUE_LIMIT,
        why=_with(Waiting.QUEUE_LIMIT, str(policy.limit)),
        fact=f"{usage.bound} of {policy.limit} at once are bound or run.",
        change="" if is_ordered else f"manage.py offload queues set {policy.name} --limit N",
        purpose="To let more run",
    )


def leadership(policy: Policy, usage: Usage, now: datetime) -> GateVerdict | None:
    """Let nothing through while a former leader still has jobs of a queue for the leader alone."""
    if not policy.leader_only:
        return None
    left = counted(usage.elsewhere, "job", "jobs")
    fact = f"The leader alone runs it; {left} of it not ended at other instances."
    return GateVerdict(
        gate="leader",
        n=0 if usage.elsewhere else None,
        used=usage.elsewhere,
        limit=0,
        waiting=Waiting.QUEUE_LIMIT,
        why=f"It waits for former leaders: {left} of its queue not ended there.",
        fact=fact if usage.elsewhere else "The leader alone runs it.",
        change=f"manage.py offload queues set {policy.name} --no-leader-only",
        purpose="To let every instance run it",
    )


def throughput(policy: Policy, usage: Usage, now: datetime) -> GateVerdict | None:
    """Let through as many jobs as the rate has tokens for; it takes none back."""
    rate = policy.rate
    if rate is None:
        return None
    level = float(rate.burst) if usage.tokens is None else min(usage.tokens, rate.capacity)
    left = rate.whole(level)
    return GateVerdict(
        gate="rate",
        n=left,
        used=round(max(0.0, rate.burst - level), 3),
        limit=rate.burst,
        waiting=Waiting.RATE_LIMIT,
        why=_with(Waiting.RATE_LIMIT, str(rate)),
        fact=f"{rate}, at most {rate.burst} at once: {left} may begin now.",
        again_at=None if left else now + rate.until_next(level),
        change=f"manage.py offload queues set {policy.name} --rate N/m",
        purpose="To change its rate",
    )


def calendar(policy: Policy, usage: Usage, now: datetime) -> GateVerdict | None:
    """Let any number through in a window of time, and none outside."""
    windows = policy.windows
    if windows is None:
        return None
    is_open, change = windows.is_open(now), windows.next_change(now)
    return GateVerdict(
        gate="windows",
        n=None if is_open else -usage.bound,
        waiting=Waiting.CLOSED,
        why=_with(Waiting.CLOSED, f"it runs {windows}"),
        fact=f"It runs {windows} and is {'open' if is_open else 'closed'} now.",
        again_at=change,
        change=f"manage.py offload queues set {policy.name} --window 'DAYS HH:MM-HH:MM'",
        purpose="To change its times",
    )


def _with(waiting: Waiting, detail: str) -> str:
    """Return why a job waits, with a detail if there is one."""
    return noted(waiting.sentence.rstrip("."), detail)


# Of equally tight gates, the first one gives the reason.
GATES: tuple[Gate, ...] = (suspension, calendar, leadership, parallel, throughput)


def verdicts(policy: Policy, usage: Usage, now: datetime) -> tuple[GateVerdict, ...]:
    """Return the verdict of every gate that the queue has."""
    found = (gate(policy, usage, now) for gate in GATES)
    return tuple(one for one in found if one is not None)
