"""A real Valkey server as the broker where none is installed: for development, demos and tests."""

from __future__ import annotations

from offload.embedded.broker import EmbeddedBroker
from offload.embedded.watch import BrokerWatch

__all__ = ["BrokerWatch", "EmbeddedBroker"]
#: Modules that other rooms use, and sites do not.
FOR_ROOMS = ["private", "process", "tether"]


def __dir__() -> list[str]:
    """Return the public names."""
    return __all__
