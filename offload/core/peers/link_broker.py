"""The broker that two clusters use, and how it is reached."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkBroker:
    """A broker that two clusters use; without an address, the Celery app's own one.

    Any of it may be secret.
    """

    url: str = field(default="", repr=False)
    #: As Celery's ``broker_transport_options`` and ``broker_use_ssl``.
    options: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False)
    ssl: bool | Mapping[str, Any] = field(default=False, hash=False, repr=False)

    def __bool__(self) -> bool:
        """Tell whether it is another one than the app's."""
        return bool(self.url)
