"""Tickets: how one file can be fetched from, or pushed to, the other side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidTicket

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The transport of a file that is not carried because the receiver said that it has it.
HELD = "held"
#: Longest name of a transport, in characters.
TRANSPORT_NAME_MAX = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """The transport of a file, and what that transport needs on the other side, as JSON values."""

    transport: str
    data: Mapping[str, Any] = field(default_factory=dict)

    def packed(self) -> dict[str, Any]:
        """Return it as JSON values, for a signed message."""
        return {"transport": self.transport, "data": dict(self.data)}

    def text(self, key: str, *, name: str, most: int) -> str:
        """Return a text of its data; raise InvalidTicket if it is missing, or has more characters.

        ``name`` is the file's, for the error.
        """
        value = self.data.get(key)
        if not isinstance(value, str) or len(value) > most:
            raise InvalidTicket(name=name, problem=f"its ticket has no valid {key}")
        return value


def parse_ticket(value: object) -> Ticket:
    """Return the ticket that another site packed; raise InvalidTicket if it is invalid."""
    if not isinstance(value, dict) or value.keys() != {"transport", "data"}:
        raise InvalidTicket(name="", problem="its ticket has other fields than it should")
    transport, data = value["transport"], value["data"]
    if not isinstance(transport, str) or not 0 < len(transport) <= TRANSPORT_NAME_MAX:
        raise InvalidTicket(name="", problem="its ticket names no transport")
    if not isinstance(data, dict):
        raise InvalidTicket(name="", problem="its ticket has no data")
    return Ticket(transport=transport, data=data)
