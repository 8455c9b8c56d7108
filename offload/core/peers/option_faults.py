"""Mistakes in options of the setting ``PEERS``, each with the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from offload.core.nearness import did_you_mean
from offload.core.peers.peer_switches import PeerSwitch

if TYPE_CHECKING:
    from collections.abc import Iterator


class PeerFault(NamedTuple):
    """A mistake in the setting, and the next step."""

    setting: str
    problem: str
    step: str


def faults_of_switches(where: str, value: object) -> Iterator[PeerFault]:
    """Yield the mistakes in a list of switches that are off."""
    step = f'Write a list of switches that are off: ["{PeerSwitch.SEND}"].'
    if not isinstance(value, list | tuple):
        yield PeerFault(where, "it is not a list of switches", step)
        return
    for one in value:
        if not isinstance(one, str) or one not in set(PeerSwitch):
            there = f" There are: {', '.join(PeerSwitch)}."
            near = did_you_mean(str(one), PeerSwitch) or there
            yield PeerFault(where, f"there is no switch {one!r:.80}", near.strip())


def faults_of_broker(where: str, options: Mapping[Any, Any]) -> Iterator[PeerFault]:
    """Yield the mistakes in the options of a peer's broker, without values: they may be secret."""
    transport = options.get("BROKER_OPTIONS", {})
    if not isinstance(transport, Mapping) or not all(isinstance(one, str) for one in transport):
        step = 'Write a dict as for broker_transport_options: {"visibility_timeout": 3600}.'
        yield PeerFault(f"{where}['BROKER_OPTIONS']", "it is not a dict with texts as keys", step)
    if not isinstance(options.get("BROKER_USE_SSL", False), bool | Mapping):
        step = 'Write True, or a dict as for broker_use_ssl: {"ca_certs": "ca.pem"}.'
        yield PeerFault(f"{where}['BROKER_USE_SSL']", "it is neither True nor a dict", step)
    for option in ("BROKER_OPTIONS", "BROKER_USE_SSL"):
        if options.get(option) and not options.get("BROKER"):
            problem = "there is no BROKER, and the one of the Celery app has options of its own"
            step = "Name the broker in BROKER, or use Celery's broker_transport_options."
            yield PeerFault(f"{where}[{option!r}]", problem, step)
