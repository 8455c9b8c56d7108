"""Files as a message between clusters announces them: what they are, and the way to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from offload.core.exceptions import InvalidTicket
from offload.core.transfers.descriptions import FileDescription, parse_description
from offload.core.transfers.tickets import HELD, Ticket, parse_ticket

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, kw_only=True)
class AnnouncedFile:
    """A file that another cluster should get, or send."""

    file: FileDescription
    #: Without data it says the transport alone: the way there is not ready yet.
    ticket: Ticket = field(hash=False)

    @property
    def is_ready(self) -> bool:
        """Tell whether the file can be carried with this ticket."""
        return bool(self.ticket.data) or self.ticket.transport == HELD

    def packed(self) -> dict[str, object]:
        """Return it as JSON values, for a signed message."""
        return {"file": self.file.packed(), "ticket": self.ticket.packed()}


def parse_announced(value: object) -> AnnouncedFile:
    """Return the file that another cluster announced; raise InvalidTicket if it is invalid."""
    if not isinstance(value, dict) or value.keys() != {"file", "ticket"}:
        raise InvalidTicket(name="", problem="it has other fields than it should")
    return AnnouncedFile(
        file=parse_description(value["file"]), ticket=parse_ticket(value["ticket"])
    )


def parse_all(values: object) -> tuple[AnnouncedFile, ...]:
    """Return the files that a message announces, none if it has nothing of them.

    Raise InvalidTicket if any is invalid, or if two have one name.
    """
    if not isinstance(values, list | None):
        raise InvalidTicket(name="", problem="its files are no list")
    found = tuple(map(parse_announced, values or ()))
    if len({one.file.name for one in found}) < len(found):
        raise InvalidTicket(name="", problem="two of its files have one name")
    return found


def packed_all(files: Iterable[AnnouncedFile]) -> list[dict[str, object]]:
    """Return files as JSON values, for a signed message."""
    return [one.packed() for one in files]
