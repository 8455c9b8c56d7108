"""Reports of a worker's parent process to its agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.core.placement.topology import Mode

if TYPE_CHECKING:
    from offload.core.envelopes import Key


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The state of a worker's parent process: held and running jobs, and its health."""

    #: The time of the report, by ``boottime``.
    at: float = 0.0
    mode: Mode = Mode.STARTING
    tick_age: float = 0.0
    connections: int = 0
    concurrency: int = 0
    ended: int = 0
    malformed: int = 0
    held: frozenset[Key] = frozenset()
    running: dict[Key, int] = field(default_factory=dict)
    #: Runs that are over, and whose ends the agent has not confirmed yet.
    ending: frozenset[Key] = frozenset()
    lost: dict[Key, tuple[str, str]] = field(default_factory=dict)
    #: Names of tasks in messages that the worker does not have.
    refused: dict[Key, str] = field(default_factory=dict)
    #: Runs that Celery was asked to end, and whether by force.
    stops: dict[Key, bool] = field(default_factory=dict)
    #: The number of the last probe that arrived by the broker.
    probe: int = 0

    def packed(self) -> dict[str, Any]:
        """Return the report as JSON for the link."""
        return {
            "at": self.at,
            "mode": self.mode,
            "tick_age": self.tick_age,
            "connections": self.connections,
            "concurrency": self.concurrency,
            "ended": self.ended,
            "malformed": self.malformed,
            "held": [list(key) for key in self.held],
            "running": [[*key, pid] for key, pid in self.running.items()],
            "ending": [list(key) for key in self.ending],
            "lost": [[*key, cause, detail] for key, (cause, detail) in self.lost.items()],
            "refused": [[*key, task] for key, task in self.refused.items()],
            "stops": [[*key, force] for key, force in self.stops.items()],
            "probe": self.probe,
        }

    @classmethod
    def read(cls, message: dict[str, Any]) -> Report:
        """Read a report from the link."""
        return cls(
            at=message["at"],
            mode=Mode(message["mode"]),
            tick_age=message["tick_age"],
            connections=message["connections"],
            concurrency=message["concurrency"],
            ended=message["ended"],
            malformed=message["malformed"],
            held=frozenset((job, epoch) for job, epoch in message["held"]),
            running={(job, epoch): pid for job, epoch, pid in message["running"]},
            ending=frozenset((job, epoch) for job, epoch in message["ending"]),
            lost={(job, epoch): (cause, detail) for job, epoch, cause, detail in message["lost"]},
            refused={(job, epoch): task for job, epoch, task in message["refused"]},
            stops={(job, epoch): force for job, epoch, force in message["stops"]},
            probe=message["probe"],
        )

    @property
    def has_idle_slot(self) -> bool:
        """Return whether a pool process waits for work."""
        return len(self.running) < self.concurrency

    @property
    def news(self) -> tuple[object, ...]:
        """Return facts whose change calls for a look at the window."""
        lengths = len(self.lost), len(self.refused), tuple(self.stops)
        return self.mode, self.ended, self.connections, self.probe, lengths

    def is_urgent(self, before: tuple[object, ...]) -> bool:
        """Return whether the news since these call for a look at once.

        Ends of runs wait for further ones while every second process has its next job already: to
        bind jobs one by one costs as much as to bind several together.
        """
        mode, _, *others = self.news
        was_mode, _, *were = before
        return (mode, others) != (was_mode, were) or 2 * len(self.held) < self.concurrency

    def load(self) -> dict[str, Any]:
        """Return the load that is announced."""
        return {
            "held": len(self.held),
            "running": len(self.running),
            "tick_age": round(self.tick_age, 1),
            "connections": self.connections,
            **({"malformed": self.malformed} if self.malformed else {}),
        }
