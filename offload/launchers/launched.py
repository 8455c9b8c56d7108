"""The outcomes of a file that arrived, per launcher."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from offload.workflows import RunHandle

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True, kw_only=True)
class Launched:
    """The outcome of a file for a launcher."""

    #: The launcher's name.
    launcher: str
    #: The workflow that it starts.
    workflow: str
    #: The file's path.
    path: str
    #: The id of the run that it started, or had started before for this content; "" for none.
    run_id: str = ""
    #: Why it started none; "" if it did.
    problem: str = ""
    #: Whether it should have started one: the workflow is unknown, say, or does not take this.
    failed: bool = False

    @property
    def started(self) -> bool:
        """Tell whether it started a run."""
        return not self.problem

    @property
    def run(self) -> RunHandle | None:
        """Return a handle on the run, if there is one."""
        return RunHandle(self.run_id) if self.run_id else None


class NotLaunched(Exception):
    """A launch is given up in its transaction; nothing of it stays."""

    def __init__(self, problem: str, run_id: str = "") -> None:
        self.problem = problem
        self.run_id = run_id
        super().__init__(problem)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fingerprint:
    """How a file that may still change is told from its later self."""

    #: Its size and time, as a row keeps them; "" if they are not known.
    stamp: str = ""
    #: Whether it is still like that, asked once it was read.
    is_same: Callable[[], bool] = lambda: True
