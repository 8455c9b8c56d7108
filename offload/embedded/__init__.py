"""A Valkey server as the broker for development, demos and tests; nothing else to install."""

from __future__ import annotations

from offload.embedded.broker import EmbeddedBroker
from offload.embedded.broker_watch import BrokerWatch

__all__ = ["BrokerWatch", "EmbeddedBroker"]
#: Modules for other rooms only.
FOR_ROOMS = ["private", "process", "tether"]


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
