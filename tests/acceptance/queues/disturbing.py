"""Disturbances of a fleet, one after the other, in an order that a seed decides."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from offload.rules import editing, switching

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.acceptance.fleet import Fleet


@dataclass(slots=True)
class Disturbances:
    """What is done to the workers of a fleet; at most one of them is disturbed at a time."""

    fleet: Fleet
    #: Short names of the workers.
    names: tuple[str, ...]
    #: Whether processes are killed and ended, too.
    kills: bool = False
    random: Random = field(default_factory=lambda: Random(1))  # noqa: S311
    done: list[str] = field(default_factory=list)
    _undo: Callable[[], object] | None = None

    def next(self) -> None:
        """Undo the last disturbance and make another one."""
        self.settle()
        kinds = [self._deny, self._switch_off, *([self._kill, self._end] if self.kills else [])]
        kind, name = self.random.choice(kinds), self.random.choice(self.names)
        self.done.append(f"{kind.__name__.strip('_')} {name}")
        kind(name)

    def settle(self) -> None:
        """Undo the last disturbance."""
        if self._undo is not None:
            self._undo()
        self._undo = None

    def _deny(self, name: str) -> None:
        nodename = self.fleet[name].name
        editing.deny(nodename, "acc/*")
        self._undo = lambda: editing.clear(nodename, "acc/*")

    def _switch_off(self, name: str) -> None:
        nodename = self.fleet[name].name
        switching.switch(nodename, off=True)
        self._undo = lambda: switching.switch(nodename, off=False)

    def _kill(self, name: str) -> None:
        self.fleet[name].kill()
        self._undo = lambda: self.fleet.start(name)

    def _end(self, name: str) -> None:
        worker = self.fleet[name]
        worker.send(signal.SIGTERM)

        def started_again() -> None:
            assert worker.process.wait(60) == 0
            self.fleet.start(name)

        self._undo = started_again
