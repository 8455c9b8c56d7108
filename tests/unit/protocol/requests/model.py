"""The world of requests between two clusters: rows at home, what the peer remembers, the link.

All requests are about one instance of the peer. Fields named *ghost* are what an all-seeing
observer notes.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, TypeAlias

from tests.unit.protocol.model import Key, Step

#: Requests that people make in one schedule: the order of two is all that can be wrong.
REQUESTS = 2


class Says(StrEnum):
    """The peer's verdict on a request; final."""

    APPLIED = "applied"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class State(StrEnum):
    """The state of a request at home."""

    OPEN = "requested"
    APPLIED = "applied"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    REPLACED = "replaced"


class Request(NamedTuple):
    """A row at home."""

    number: int
    state: State = State.OPEN
    #: Whether it was ever given to the broker.
    sent: bool = False
    #: Whether a person wants it back.
    withdrawn: bool = False

    @property
    def open(self) -> bool:
        return self.state == State.OPEN


class Message(NamedTuple):
    """A signed message on its way: a request, a withdrawal of one, or a verdict."""

    #: Whether it goes to the peer.
    outward: bool
    number: int
    says: str = ""

    def __str__(self) -> str:
        what = "request" if self.outward else "verdict"
        says = f" ({self.says})" if self.says else ""
        return f"the {what} {self.number}{says}"


class Peer(NamedTuple):
    """The cluster that is asked."""

    alive: bool = True
    #: Whether its settings let home rule.
    permits: bool = True
    #: The verdicts that it remembers, by number.
    known: tuple[tuple[int, Says], ...] = ()
    #: The request that was applied and not yet noted (a rule is off).
    half: int = 0
    #: Ghost: the requests that were applied, in order.
    applied: tuple[int, ...] = ()

    def verdict(self, number: int) -> Says | None:
        return dict(self.known).get(number)


class World(NamedTuple):
    """All that exists at one moment."""

    rows: tuple[Request, ...] = ()
    peer: Peer = Peer()
    link: tuple[Message, ...] = ()
    #: Ghost: whether something was applied that the peer does not permit.
    against: bool = False

    def with_row(self, row: Request) -> World:
        return self._replace(
            rows=tuple(row if one.number == row.number else one for one in self.rows)
        )

    def with_peer(self, **changes: object) -> World:
        return self._replace(peer=self.peer._replace(**changes))  # type: ignore[arg-type]

    def with_message(self, message: Message) -> World:
        return self._replace(link=(*self.link, message))

    def without_message(self, message: Message) -> World:
        rest = list(self.link)
        rest.remove(message)
        return self._replace(link=tuple(rest))

    def row(self, number: int) -> Request:
        return next(one for one in self.rows if one.number == number)

    @property
    def settled(self) -> bool:
        """Tell whether every request that was made has its end."""
        return len(self.rows) == REQUESTS and not any(one.open for one in self.rows)

    def key(self) -> Key:
        """Name this world; all of it is compared but the order of what is on its way."""
        peer = self.peer._replace(known=tuple(sorted(self.peer.known)))
        return (self.rows, peer, tuple(sorted(self.link)), self.against)


Edge: TypeAlias = tuple[Step, World]
