"""Jobs of workflows that make files, and receivers that note events."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from offload.signals import run_changed, step_ended
from offload.worker.tasks.current_job import current_job
from offload.worker.tasks.task import OffloadTask
from tests.integration.driving.tasks import define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery

#: Topics whose jobs fail while they are in it.
BROKEN: set[str] = set()


def make(*_: Any, name: str = "made.txt", missing: bool = False) -> str:
    """Make a file, unless it is to be missing."""
    if name in BROKEN:
        raise ValueError(f"{name} is broken")
    if not missing:
        current_job().outputs.add(name, name.encode())
    return name


def read(*_: Any, name: str) -> str:
    """Return the content of a file that another step made."""
    with current_job().inputs[name].open() as file:
        return str(file.read(), "utf-8")


def pages(*_: Any, count: int) -> dict[str, Any]:
    """Return a list within a result."""
    return {"pages": list(range(count)), "count": count}


def twice(page: int) -> int:
    """Return the double; fail for an element that is broken."""
    if f"page {page}" in BROKEN:
        raise ValueError("broken")
    return page * 2


def register(app: Celery) -> None:
    """Make each of these a job."""
    for function in (make, read, pages, twice):
        name = function.__name__
        define(app, function, name=f"flow.{name}", base=OffloadTask, topic=f"flow/{name}")


@contextmanager
def noted() -> Iterator[list[tuple[Any, ...]]]:
    """Yield the events of runs and steps that are sent meanwhile."""
    found: list[tuple[Any, ...]] = []

    def run(*, event: Any, **_: Any) -> None:
        found.append((event.workflow, event.old, event.new, event.user_data))

    def step(*, event: Any, **_: Any) -> None:
        found.append((event.step, event.state, event.user_data))

    run_changed.connect(run)
    step_ended.connect(step)
    try:
        yield found
    finally:
        run_changed.disconnect(run)
        step_ended.disconnect(step)
