"""Functions that give properties, with which the acceptance tests try the agent."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from offload import consumer
from offload.topology import topology_property, view
from tests.acceptance.site.journal import note

if TYPE_CHECKING:
    from offload.worker.tasks.current_job import CurrentJob


def file() -> Path:
    """Return the file that has the value of the property ``gpus``."""
    return Path(os.environ["ACCEPTANCE_FOLDER"]) / "gpus"


@topology_property("gpus", every=0.2)
def gpus() -> int:
    """Return the number in the file; raise FileNotFoundError while there is none."""
    return int(file().read_text())


@topology_property("stuck", every=0.2)
def stuck() -> None:
    """Hang."""
    note("stuck", str(os.getppid()))
    while True:
        time.sleep(60)


@consumer("acc/where")
def where(job: CurrentJob) -> list[object]:
    """Return which instance this is, as its process sees it, and a property of it."""
    seen = view().local
    return [seen and seen.name, seen and seen.properties.get("gpus")]
