"""Tasks with hooks that are noted, and may raise."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from offload.worker.tasks.current_job import current_job
from offload.worker.tasks.task import OffloadTask
from tests.integration.driving.tasks import NOTES, define

if TYPE_CHECKING:
    from collections.abc import Iterator

    from celery import Celery


def said(self: Any, name: str) -> None:
    """Note a hook, and the job it knows of; raise where the task says so."""
    NOTES.append(name)
    # None of them runs without its job.
    if self.request.get("offload"):
        assert current_job().id == self.request.id
    if self.bad == name:
        raise self.error


class Hooked(OffloadTask):
    """A task with every hook; one of them may raise."""

    abstract = True
    bad = ""
    error: BaseException = RuntimeError("hook")

    def before_start(self, *_: Any) -> None:
        """Note it."""
        said(self, "before_start")

    def on_success(self, *_: Any) -> None:
        """Note it."""
        said(self, "on_success")

    def on_failure(self, *_: Any) -> None:
        """Note it."""
        said(self, "on_failure")

    def on_retry(self, *_: Any) -> None:
        """Note it."""
        said(self, "on_retry")

    def after_return(self, *_: Any) -> None:
        """Note it."""
        said(self, "after_return")


def run(self: Any, fails: int = 0) -> str:
    """Fail by a retry of Celery's as often as is asked for."""
    NOTES.append("run")
    if self.request.retries < fails:
        raise self.retry(countdown=0, exc=ValueError("not yet"))
    return "well"


@pytest.fixture
def hooked(app: Celery, calls: list[Any]) -> Iterator[Any]:
    """Return what defines a task with hooks, of which one is bad."""
    names: list[str] = []

    def make(bad: str = "", base: type = Hooked, function: Any = run, **options: Any) -> Any:
        names.append(f"hooked.{len(names)}")
        bound = function is run
        options = {"bind": bound, "max_retries": 1, **options}
        return define(
            app, function, name=names[-1], base=base, topic=f"hooked/{len(names)}",
            pattern="", bad=bad, **options,
        )  # fmt: skip

    yield make
    for name in names:
        app.tasks.pop(name)
