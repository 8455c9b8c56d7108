"""The parent process's line to its agent for groups of runs, which outlives each agent.

Everything here runs in the thread of the worker's event loop, except ``attach``.
"""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.worker.channel import Channel
    from offload.worker.group_messages import ToAgent, ToParent


class AgentLine:
    """Sends to the present agent, and hears it through the event loop while there is one."""

    def __init__(self) -> None:
        """Begin without an agent, and without an event loop."""
        self.hub: Any = None
        #: Is called with each answer.
        self.hear: Callable[[ToParent], object] = lambda _: None
        #: Is called after answers, or when another agent has come.
        self.wake: Callable[[], object] = lambda: None
        self._channel: Channel | None = None
        self._next: Channel | None = None

    @property
    def has_agent(self) -> bool:
        """Return whether there has been an agent."""
        return (self._channel or self._next) is not None

    def attach(self, channel: Channel) -> None:
        """Talk to another agent from the next turn on; any thread may call this."""
        self._next = channel
        if self.hub is not None:
            self.hub.call_soon(self.wake)

    def open(self, hub: Any) -> None:
        """Use an event loop, which forgets its readers with each broker connection."""
        self.hub = hub
        if self._channel is not None:
            hub.add_reader(self._channel.fileno(), self._read)

    def close(self) -> None:
        """Do without the event loop."""
        if self.hub is not None and self._channel is not None:
            self.hub.remove(self._channel.fileno())
        self.hub = None

    def takes_next(self) -> bool:
        """Turn to another agent, if one has come; return whether one has."""
        if self._next is None:
            return False
        former, self._channel, self._next = self._channel, self._next, None
        if former is not None:
            if self.hub is not None:
                self.hub.remove(former.fileno())
            former.close()
        if self.hub is not None:
            self.hub.add_reader(self._channel.fileno(), self._read)
        return True

    def send(self, said: ToAgent) -> None:
        """Send something; the event loop sends the rest when there is room."""
        if self._channel is None:
            return
        self._channel.send(said)
        if self._channel.has_rest and self.hub is not None:
            self.hub.add_writer(self._channel.fileno(), self._flush)

    def _flush(self) -> None:
        if self._channel is None:
            return
        self._channel.flush()
        if not self._channel.has_rest:
            self.hub.remove_writer(self._channel.fileno())

    def _read(self) -> None:
        channel = self._channel
        if channel is None:
            return
        for answer in channel.receive():
            self.hear(answer)
        if channel.is_closed and self.hub is not None:
            self.hub.remove(channel.fileno())
        self.wake()

    def wait(self, seconds: float) -> None:
        """Wait for an answer without an event loop, and send what waits for room."""
        if self._channel is None:
            return
        writes = [self._channel] if self._channel.has_rest else []
        readable, writable, _ = select.select([self._channel], writes, [], seconds)
        if writable:
            self._channel.flush()
        if readable:
            self._read()
