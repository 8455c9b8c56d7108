"""The callers of the statements in a replay: two workers, and the runs of the job."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from offload.core.attempt_key import AttemptKey
from offload.core.placement.topology import Mode
from offload.core.retries import Cause
from offload.core.tokens import new_secret
from offload.fleet import membership
from offload.fleet.membership import Announcement
from offload.jobs.claims import MessageFacts
from offload.worker.agent import naming
from offload.worker.agent.window import Window
from offload.worker.liveness import boottime
from offload.worker.reports import Report

if TYPE_CHECKING:
    from offload.core.envelopes import Key
    from offload.core.outcomes import Outcome
    from offload.tracking.claiming import Claimed

#: The one job.
ID, TOPIC, TASK = "replayed", "replay/one", "replay.one"
#: The instances, by their numbers in the model.
NAMES = ("a@replay", "b@replay")
#: A process that there never is: a worker that is killed leaves its name free at once.
NO_PROCESS = 2**31 - 1


@dataclass(slots=True)
class Worker:
    """An instance: its incarnations so far, and what its agent does."""

    number: int
    #: In the order in which the model counts them.
    incarnations: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return the nodename."""
        return NAMES[self.number]

    @property
    def incarnation(self) -> str:
        """Return the present incarnation."""
        return self.incarnations[-1]

    def boot(self) -> None:
        """Take the name, and take work."""
        self._settled(membership.join(self._announcement()) or "")

    def come_back(self) -> None:
        """Take the name again, as a heartbeat does that finds itself declared gone."""
        assert not membership.beat(self.name, self.incarnation)
        self._settled(naming.settle(self._announcement()))

    def _settled(self, incarnation: str) -> None:
        assert incarnation
        self.incarnations.append(incarnation)
        membership.set_mode(self.name, incarnation, Mode.READY)

    def _announcement(self) -> Announcement:
        return Announcement(
            name=self.name,
            pid=NO_PROCESS,
            consumers=[{"pattern": TOPIC, "task": TASK}],
            concurrency=1,
            can_kill=True,
            can_limit=True,
        )

    def lose(self, epoch: int) -> None:
        """Let the agent hear that nothing began from a message."""
        self._window().lose((ID, epoch), Cause.FAILED, "it cannot be decoded")

    def reconcile(self, known: frozenset[Key], *, over_outage: bool) -> None:
        """Let the agent compare the rows with what the parent process knows, twice."""
        window = self._window(resumed_at=boottime() if over_outage else 0.0)
        for later in (10.0, 20.0):
            # Without a broker at this moment it binds and sends nothing.
            at, mode = boottime() + later, Mode.RECONNECTING
            window.look(Report(at=at, mode=mode, held=known))

    def _window(self, **heartbeat: float) -> Window:
        """Return the window of its agent, which has looked at nothing so far."""
        facts: Any = SimpleNamespace(
            incarnation=self.incarnation, trouble=None, is_deaf=False, **heartbeat
        )
        return Window(self.name, facts, can_kill=False)


@dataclass(slots=True)
class Run:
    """An attempt as a pool child has it."""

    worker: Worker
    key: AttemptKey
    claimed: Claimed | None = None
    #: The write that it repeats until it has an answer.
    outcome: Outcome | None = None

    @classmethod
    def of(cls, worker: Worker, epoch: int) -> Run:
        """Return a run with a secret of its own, before its claim."""
        return cls(worker, AttemptKey.by(new_secret(), job_id=ID, epoch=epoch))

    @property
    def facts(self) -> MessageFacts:
        """Return the identity of the message that runs."""
        return MessageFacts(
            task=TASK,
            argsrepr="",
            kwargsrepr="",
            worker=self.worker.name,
            incarnation=self.worker.incarnation,
        )
