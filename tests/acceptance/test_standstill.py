"""Workers whose parent process stands still, alone."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from offload.core.topology import Mode
from tests.polling import eventually

if TYPE_CHECKING:
    from tests.acceptance.fleet import Fleet


def test_a_worker_whose_parent_stands_still_gets_no_jobs_until_it_goes_on(fleet: Fleet) -> None:
    worker = fleet.need("a", "b")[0]

    worker.send(signal.SIGSTOP)
    eventually(lambda: worker.row.mode == Mode.SUSPECT, what="it is suspect")
    worker.send(signal.SIGCONT)

    eventually(lambda: worker.row.mode == Mode.READY, what="it takes work again")
