"""The sending of jobs that were just bound to another cluster: what does it is above this room."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from offload.tracking.binding.bindings import BoundJob

logger = logging.getLogger("offload.submission")


@dataclass(slots=True)
class RemoteSending:
    """Sends bound jobs to a peer at once, if something does; else the leader's duty sends them."""

    do: Callable[[str, Sequence[BoundJob]], object] | None = None

    def send(self, peer: str, bound: Sequence[BoundJob]) -> None:
        """Send jobs whose binding is committed; they are sent later if that fails (P1)."""
        if self.do is None or not bound:
            return
        try:
            self.do(peer, bound)
        except Exception:
            logger.exception("jobs bound to %s are sent later", peer)

    @contextmanager
    def instead(self, do: Callable[[str, Sequence[BoundJob]], object] | None) -> Iterator[None]:
        """Send by this function, or leave it to the duty, for a block."""
        before, self.do = self.do, do
        try:
            yield
        finally:
            self.do = before


#: Of this process: jobs are submitted, and so bound, anywhere in it.
remote_sending = RemoteSending()
