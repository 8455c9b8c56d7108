"""Errors for things that do not exist."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offload.core.exceptions.base import OffloadError
from offload.core.nearness import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable


class UnknownQueue(OffloadError, LookupError):
    """There is no queue of that name."""

    def __init__(self, *, name: object, known: Iterable[str] = ()) -> None:
        self.name = name
        super().__init__(
            f"There is no queue {name!r:.300} in the database.{did_you_mean(str(name), known)} "
            "Add it in the admin, or by: manage.py offload queues add NAME PATTERN. "
            "A job without a queue goes by its topic."
        )


class UnknownInstance(OffloadError, LookupError):
    """There is no instance of that name."""

    def __init__(self, *, name: str, known: Iterable[str] = ()) -> None:
        self.name = name
        super().__init__(
            f"There is no instance {name!r:.300}.{did_you_mean(name, known)} "
            "'manage.py offload instances' lists those known."
        )


class UnknownPeer(OffloadError, LookupError):
    """The settings name no other cluster so."""

    def __init__(self, *, name: str, known: Iterable[str] = ()) -> None:
        self.name = name
        super().__init__(
            f"OFFLOAD['PEERS'] has no cluster {name!r:.300}.{did_you_mean(name, known)} "
            "'manage.py offload peers' lists those known."
        )


class UnknownRequest(OffloadError, LookupError):
    """There is no open request with that number."""

    def __init__(self, *, number: int, state: str = "") -> None:
        self.number = number
        fact = f"Request {number} is {state} already" if state else f"There is no request {number}"
        super().__init__(f"{fact}. 'manage.py offload peers requests' lists the open ones.")


class UnknownRule(OffloadError, LookupError):
    """There is no rule with that id."""

    def __init__(self, *, rule_id: int) -> None:
        self.rule_id = rule_id
        super().__init__(
            f"There is no rule {rule_id}. 'manage.py offload rules' lists the existing ones."
        )


class UnknownJob(OffloadError, LookupError):
    """There is no job with that id."""

    def __init__(self, *, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"There is no job {job_id!r:.300}: the id is misspelled, its history was purged, or "
            "its transaction was rolled back. 'manage.py offload jobs' lists the existing ones."
        )


class UnknownRun(OffloadError, LookupError):
    """There is no run with that id."""

    def __init__(self, *, run_id: str) -> None:
        self.run_id = run_id
        super().__init__(
            f"There is no run {run_id!r:.300}: it was deleted with old history, or its transaction "
            "was rolled back. The admin lists the existing ones."
        )


class UnknownWorkflow(OffloadError, LookupError):
    """There is no workflow of that name."""

    def __init__(self, *, name: str, known: tuple[str, ...] = ()) -> None:
        self.name = name
        self.known = known
        there = f"There are: {', '.join(known)}." if known else "None is defined."
        super().__init__(
            f"There is no workflow {name!r:.300}. {there} Define it with @workflow('…') in a "
            "module workflow.py of an installed app."
        )


class MissingFile(OffloadError, LookupError):
    """A file does not exist where it was expected."""

    def __init__(self, *, name: str, known: tuple[str, ...] | None = None) -> None:
        self.name = name
        self.known = known
        super().__init__(f"There is no file {name!r:.300}. {self._there()}")

    def _there(self) -> str:
        if self.known is None:
            return "Check the path. If this is the content and not a path, pass it as bytes."
        if not self.known:
            return "The job came without files. Submit it with files={…}."
        return f"There are: {', '.join(self.known)}."


class UnreadableFile(OffloadError):
    """A file exists but cannot be read."""

    def __init__(self, *, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        super().__init__(
            f"The file {name!r:.300} cannot be read: {problem}. Check its permissions and its "
            "disk, and try again."
        )


class FileNotStored(OffloadError):
    """A file could not be put into the storage; nothing of it is left there."""

    def __init__(self, *, name: str, storage: str, problem: str) -> None:
        self.name = name
        self.storage = storage
        self.problem = problem
        super().__init__(
            f"The file {name!r:.300} could not be stored: {problem}. Nothing of it was kept. Check "
            f"the storage {storage!r} and its free space, and try again; "
            "'manage.py offload doctor' tests it."
        )


class MissingResult(OffloadError, LookupError):
    """The job succeeded, but its result is no longer stored anywhere."""

    def __init__(self, *, job_id: str) -> None:
        self.job_id = job_id
        super().__init__(
            f"The result of job {job_id} was too large for its row and is no longer in the result "
            "backend. Raise OFFLOAD['MAX_RESULT'], or return large data as files."
        )
