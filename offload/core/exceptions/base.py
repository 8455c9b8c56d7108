"""The root of everything offload raises."""

from __future__ import annotations

import copyreg


class OffloadError(Exception):
    """Something in offload failed; the log of this process holds the details."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.__doc__ or type(self).__name__)

    def __reduce__(self) -> tuple[object, ...]:
        # Leaves take facts, not the message, so the default recipe could not rebuild them.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]
