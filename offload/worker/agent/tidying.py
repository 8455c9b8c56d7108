"""Removal of what dead processes of this host left in the scratch folder."""

from __future__ import annotations

import logging
import select
import threading
from typing import TYPE_CHECKING

from offload.files import scratch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from offload.worker.agent.processes import Process

logger = logging.getLogger("offload.agent")

#: Seconds for processes of a dead worker to die, and for the last removal before the agent ends.
DEATH_SECONDS, FINISH_SECONDS = 5.0, 30.0


class Tidying:
    """Sweeps of the scratch folder, one after the other, in threads: some remove much."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = threading.Thread()

    def begin(self, dying: Sequence[Process] = ()) -> None:
        """End the programs and remove the files of dead processes, these among them."""
        self._last = threading.Thread(
            target=self._tidy, args=(dying,), name="offload-tidying", daemon=True
        )
        self._last.start()

    def finish(self) -> None:
        """Sweep once more and wait for it, but not long: the next agent of this host goes on."""
        self.begin()
        self._last.join(FINISH_SECONDS)

    def _tidy(self, dying: Sequence[Process]) -> None:
        for process in dying:
            poll = select.poll()
            poll.register(process.fileno(), select.POLLIN)
            poll.poll(DEATH_SECONDS * 1000)
        with self._lock:
            try:
                if count := scratch.sweep():
                    logger.warning("removed %s scratch folders of dead processes", count)
            except Exception:
                logger.exception("the scratch folder cannot be tidied")
