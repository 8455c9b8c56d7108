"""A gate, with an event loop, an agent and requests that do what a test says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.core.outcomes import PreparedEnd
from offload.worker.end_rate import EndRate
from offload.worker.group_messages import GRANT, GrantedClaim, TaskFacts, ToParent
from offload.worker.parent.gate import Gate
from offload.worker.parent.in_flight import InFlight
from tests.clocks import Clock

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.core.attempt_key import AttemptKey
    from offload.worker.group_messages import ToAgent


TASK = TaskFacts("tests.task")


@dataclass
class Hub:
    """An event loop that does at once what is to be done soon."""

    timers: list[tuple[float, Callable[[], Any]]] = field(default_factory=list)

    def call_soon(self, act: Callable[[], Any]) -> None:
        act()

    def call_later(self, seconds: float, act: Callable[[], Any]) -> None:
        self.timers.append((seconds, act))


@dataclass
class Line:
    """An agent that answers when the test says so."""

    hub: Any = None
    said: list[ToAgent] = field(default_factory=list)
    is_new: bool = False
    has_agent: bool = True
    hear: Any = None
    wake: Any = None

    def open(self, hub: Any) -> None:
        self.hub = hub

    def close(self) -> None:
        self.hub = None

    def takes_next(self) -> bool:
        was, self.is_new = self.is_new, False
        return was

    def send(self, said: ToAgent) -> None:
        self.said.append(said)

    @property
    def asked(self) -> list[AttemptKey]:
        """Return the keys of the last group that was asked for."""
        return [one.key for one in self.said[-1].asked] if self.said else []


@dataclass(eq=False)
class Request:
    """A request as the gate sees it."""

    in_flight: InFlight
    job_key: tuple[str, int]
    task: TaskFacts = TASK
    request_dict: dict[str, Any] = field(default_factory=dict)
    dismissed: str = ""

    def dismiss(self, why: str) -> None:
        self.dismissed = why
        self.in_flight.end(self.job_key, self)


class Scene:
    """A gate with two processes behind it, and its agent."""

    def __init__(self, concurrency: int = 2, calm_below: float = 0.0) -> None:
        self.clock = Clock()
        self.in_flight = InFlight(concurrency=concurrency)
        self.line, self.hub = Line(), Hub()
        self.gate = Gate(
            in_flight=self.in_flight,
            line=self.line,  # type: ignore[arg-type]
            clock=self.clock,
            requests=lambda: len(self.here),
            pace=EndRate(self.clock, calm_below=calm_below),
        )
        self.here: list[Request] = []
        self.begun: list[str] = []
        self.told: list[str] = []
        self.gate.open(self.hub)

    def arrive(self, job_id: str) -> Request:
        request = Request(self.in_flight, (job_id, 1))
        self.here.append(request)
        self.in_flight.receive(request.job_key, request)
        self.gate.hold(request, lambda: self.begin(request))
        return request

    def begin(self, request: Request) -> None:
        self.begun.append(request.job_key[0])
        self.in_flight.accept(request.job_key, 4711, request)

    def grant(self, keys: list[AttemptKey], incarnation: str = "now") -> None:
        self.gate._hear(ToParent(granted=[GrantedClaim(key, incarnation, (), 0.0) for key in keys]))
        self.gate.step()

    def succeed(self, request: Request) -> AttemptKey:
        key: AttemptKey = request.request_dict[GRANT].key
        self.in_flight.finish(request.job_key, request)
        end = PreparedEnd(key=key, result="1", stored=None)
        self.gate.end(end, lambda: self.told.append(key.job_id))
        return key
