"""Requests to another cluster to change its rules and switches: their actions, states and ends."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.core.states import Explained

if TYPE_CHECKING:
    from collections.abc import Iterable


class RequestAction(enum.StrEnum):
    """A change that a cluster is asked to make of one of its instances."""

    ALLOW = "allow"
    DENY = "deny"
    CLEAR = "clear"
    EXCLUSIVE = "exclusive"
    OFF = "off"
    ON = "on"

    @property
    def is_switch(self) -> bool:
        """Tell whether it is about the instance as a whole, and takes no patterns."""
        return self in {RequestAction.OFF, RequestAction.ON}


class RequestOutcome(enum.StrEnum):
    """The verdict of the cluster that was asked; each is final."""

    APPLIED = "applied"
    REFUSED = "refused"
    #: It was taken back before it was applied.
    WITHDRAWN = "withdrawn"


class RequestState(Explained):
    """The state of a request, where it was made; all but the first are final."""

    REQUESTED = "requested", "It waits for the verdict of the cluster that is asked."
    APPLIED = "applied", "The cluster that was asked has applied it."
    REFUSED = "refused", "The cluster that was asked has refused it."
    WITHDRAWN = "withdrawn", "It was withdrawn before it was applied."
    EXPIRED = "expired", "It was not applied in its time."
    REPLACED = "replaced", "A newer one took its place before it was sent."


class RequestRefusal(Explained):
    """The reason why a cluster refuses a request."""

    NOT_PERMITTED = "not_permitted", "MAY_RULE is not set there for this cluster."
    UNKNOWN_INSTANCE = "unknown_instance", "No instance of that name ever was there."
    INVALID = "invalid", "The change is invalid there."
    OTHER = "other", "The reason is none that this version of offload knows."

    @classmethod
    def _missing_(cls, value: object) -> RequestRefusal:
        # A verdict that is not understood would leave its request open for ever.
        return cls.OTHER


@dataclass(frozen=True, slots=True)
class RequestAnswered:
    """A request to change rules in another cluster came to its end."""

    #: The number of the request.
    number: int
    #: The cluster that was asked.
    peer: str
    #: The name of its instance here, as ``render/gpu1@host``.
    instance: str
    #: ``allow``, ``deny``, ``clear``, ``exclusive``, ``off`` or ``on``.
    action: str
    #: The patterns that it was about; none for ``off`` and ``on``.
    patterns: tuple[str, ...]
    #: ``applied``, ``refused``, ``withdrawn`` or ``expired``.
    state: str
    #: Why it was refused: ``not_permitted``, ``unknown_instance``, ``invalid`` or ``other``; else
    #: "".
    refusal: str
    #: All of it, as sentences.
    text: str
    #: The name of the person who had asked for it.
    by: str

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"number": self.number, "instance": self.instance, "state": self.state}


def subject_of(action: RequestAction, patterns: Iterable[str]) -> str:
    """Return the subject of a request: a newer one of it replaces one that was never sent."""
    if action.is_switch:
        return "switch"
    if action is RequestAction.EXCLUSIVE:
        return "allow list"
    return " ".join(sorted(patterns))


def cluster_and_node(instance: str) -> tuple[str, str]:
    """Return the cluster and the nodename of ``render/gpu1@host``; no cluster for an own one."""
    cluster, slash, node = instance.partition("/")
    return (cluster, node) if slash else ("", instance)
