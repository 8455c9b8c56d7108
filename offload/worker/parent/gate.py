"""The gate before the pool: jobs wait here until the agent has claimed them, in groups (R13).

Everything here runs in the thread of the worker's event loop.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from celery.worker.state import reserved_requests

from offload.core.attempt_key import AttemptKey
from offload.core.tokens import new_secret
from offload.worker.end_rate import EndRate
from offload.worker.group_messages import GRANT, ToAgent
from offload.worker.parent.agent_line import AgentLine
from offload.worker.parent.gated_job import GatedJob
from offload.worker.parent.in_flight import jobs_in_flight

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.outcomes import PreparedEnd
    from offload.worker.group_messages import ClaimRequest, GrantedClaim, ToParent
    from offload.worker.parent.in_flight import InFlight

#: Seconds that a claimed job waits for a process; then its claim is undone.
WITHDRAW_SECONDS = 0.25
NO_CONNECTION = "the connection to the broker has ended"
NO_FREE_PROCESS = "it waited too long for a free process"
#: Maximum number of ends that the agent has not confirmed; beyond, nothing new begins.
ENDS_MAX = 256


@dataclass(slots=True, eq=False)
class Gate:
    """Lets jobs into the pool that the agent has granted, and keeps ends until it has them."""

    in_flight: InFlight = field(default_factory=lambda: jobs_in_flight)
    line: AgentLine = field(default_factory=AgentLine)
    clock: Callable[[], float] = time.monotonic
    #: Counts the requests in the worker, those of plain tasks too.
    requests: Callable[[], int] = field(default=lambda: len(reserved_requests))
    pace: EndRate = field(default_factory=EndRate)
    #: By their tokens: what waits, what the agent was asked for, what it granted, and what the
    #: pool has.
    _waiting: dict[str, GatedJob] = field(default_factory=dict)
    _asked: dict[str, GatedJob] = field(default_factory=dict)
    _granted: dict[str, GatedJob] = field(default_factory=dict)
    _begun: dict[str, GatedJob] = field(default_factory=dict)
    #: Ends that the agent has not confirmed, and what tells Celery of each.
    _ends: dict[str, tuple[PreparedEnd, Callable[[], Any]]] = field(default_factory=dict)
    _unsent: list[PreparedEnd] = field(default_factory=list)
    #: Claims that the agent has not confirmed to be undone, and those to tell it of.
    _undoing: dict[str, AttemptKey] = field(default_factory=dict)
    _withdrawn: list[AttemptKey] = field(default_factory=list)
    _is_due: bool = False
    _is_timed: bool = False

    def __post_init__(self) -> None:
        """Hear the agent."""
        self.line.hear = self._hear
        self.line.wake = self.step

    @property
    def is_open(self) -> bool:
        """Return whether jobs wait here for the agent."""
        return self.line.hub is not None and self.line.has_agent

    def open(self, hub: Any) -> None:
        """Hold jobs back from now on, in this event loop."""
        self.line.open(hub)
        # A timer of the former connection is lost with it.
        self._is_timed = False
        self.step()

    def hold(self, request: Any, begin: Callable[[], Any]) -> None:
        """Hold a job until it is claimed; ``begin`` hands it to the pool."""
        job_id, epoch = request.job_key
        key = AttemptKey.by(new_secret(), job_id=job_id, epoch=epoch)
        one = GatedJob(key, request, begin)
        if self._is_calm:
            return self._begin(one)
        self._waiting[key.token] = one
        self.soon()

    @property
    def _is_calm(self) -> bool:
        """Return whether the job that has just come may begin at once, and be claimed there."""
        self._forget_ended()
        has_free = self._free >= 0 and len(self._begun) < self.in_flight.concurrency
        return has_free and not self._waiting and self.pace.is_calm

    def end(self, end: PreparedEnd, tell: Callable[[], Any]) -> None:
        """Keep an end until the agent has it in the database, then ``tell`` Celery."""
        self._begun.pop(end.key.token, None)
        self._ends[end.key.token] = end, tell
        self._unsent.append(end)
        self.pace.count()
        self.soon()

    def soon(self) -> None:
        """Look soon, and once, at what can be done."""
        if self.line.hub is None:
            self.step()
        elif not self._is_due:
            self._is_due = True
            self.line.hub.call_soon(self.step)

    def step(self) -> None:
        """Do what is due: admit, withdraw, ask, send ends."""
        self._is_due = False
        if self.line.takes_next():
            self._say_again()
        self._forget_ended()
        self._admit()
        self._send()
        if self._granted and self.line.hub is not None and not self._is_timed:
            self._is_timed = True
            self.line.hub.call_later(WITHDRAW_SECONDS, self._look_again)

    def _look_again(self) -> None:
        """Look at what has waited for a process in the meantime."""
        self._is_timed = False
        self.step()

    def _say_again(self) -> None:
        """Prepare to say everything again that the former agent may not have dealt with."""
        self._waiting = {**self._asked, **self._waiting}
        self._asked = {}
        self._unsent = [end for end, _ in self._ends.values()]
        self._withdrawn = list(self._undoing.values())

    def _forget_ended(self) -> None:
        """Forget what the pool no longer has, however it ended."""
        running, held = self.in_flight.running, self.in_flight.held
        for token, one in list(self._begun.items()):
            key, run = one.request.job_key, running.get(one.request.job_key)
            if held.get(key) is not one.request and (run is None or run.by is not one.request):
                del self._begun[token]
                self.pace.count()

    @property
    def _free(self) -> int:
        """Return how many processes of the pool have nothing to do."""
        here = len(self._waiting) + len(self._asked) + len(self._granted) + len(self._ends)
        return self.in_flight.concurrency - max(self.requests() - here, len(self._begun))

    @property
    def _takes_more(self) -> bool:
        return len(self._ends) < ENDS_MAX

    def _admit(self) -> None:
        overdue = self.clock() - WITHDRAW_SECONDS
        for token, one in list(self._granted.items()):
            if self._free > 0 and self._takes_more:
                self._begin(self._granted.pop(token))
            elif one.granted_at <= overdue:
                self._withdraw(self._granted.pop(token))

    def _begin(self, one: GatedJob) -> None:
        self._begun[one.key.token] = one
        one.begin()

    def undo(self, request: Any, why: str) -> bool:
        """Undo the claim of a job that its pool lost before it began; return whether it had one."""
        begun = self._begun.values()
        found = [one for one in begun if one.request is request and one.granted_at]
        for one in found:
            del self._begun[one.key.token]
            self._withdraw(one, why)
            self.soon()
        return bool(found)

    def _withdraw(self, one: GatedJob, why: str = NO_FREE_PROCESS) -> None:
        one.request.dismiss(why)
        self._undo(one.key)

    def _undo(self, key: AttemptKey) -> None:
        """Have a claim undone; until then, its row is none of a run that was lost (R14)."""
        self.in_flight.ending.add(key.binding)
        self._undoing[key.token] = key
        self._withdrawn.append(key)

    def _send(self) -> None:
        asked = self._ask()
        if not (asked or self._unsent or self._withdrawn):
            return
        ends, self._unsent = self._unsent, []
        withdrawn, self._withdrawn = self._withdrawn, []
        self.line.send(ToAgent(ends=ends, withdrawn=withdrawn, asked=asked))

    def _ask(self) -> list[ClaimRequest]:
        """Ask for as many as can begin soon, once the last group was answered."""
        room = self._free + self.pace.ahead - len(self._granted)
        if self._asked or room <= 0 or not self._takes_more:
            return []
        chosen = list(self._waiting.items())[:room]
        for token, _one in chosen:
            self._asked[token] = self._waiting.pop(token)
        return [one.claim_request for _, one in chosen]

    def _hear(self, answer: ToParent) -> None:
        for grant in answer.granted:
            self._grant(grant)
        for key, why in answer.refused.items():
            refused = self._asked.pop(key.token, None)
            if refused is not None:
                refused.request.dismiss(why)
        for key in answer.ended:
            ended = self._ends.pop(key.token, None)
            if ended is not None:
                ended[1]()
        for key in answer.undone:
            self._undoing.pop(key.token, None)
            self.in_flight.ending.discard(key.binding)

    def _grant(self, grant: GrantedClaim) -> None:
        one = self._asked.pop(grant.key.token, None)
        if one is None:
            return self._undo(grant.key)
        one.granted_at = self.clock()
        one.request.request_dict[GRANT] = grant
        self._granted[grant.key.token] = one

    def stop(self) -> None:
        """Begin nothing more: the broker's connection is lost, or the worker ends.

        Ends are sent at once from now on, since no event loop may follow.
        """
        self.line.close()
        for one in self._waiting.values():
            one.request.dismiss(NO_CONNECTION)
        for one in [*self._asked.values(), *self._granted.values()]:
            self._withdraw(one, NO_CONNECTION)
        self._waiting, self._asked, self._granted = {}, {}, {}
        self.step()

    def finish(self, seconds: float) -> None:
        """Wait so long for the agent to have dealt with everything."""
        deadline = self.clock() + seconds
        while (self._ends or self._undoing) and (left := deadline - self.clock()) > 0:
            self.line.wait(min(left, WITHDRAW_SECONDS))
            self.step()


#: The gate of this process; Celery makes requests and boot steps of their classes.
gate = Gate()
