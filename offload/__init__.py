"""Offload jobs to the Celery workers that can and may run them, and watch them there.

Importing this is light: the names below are loaded when they are first used, so that the
Celery app can be made before Django's apps are ready.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from offload.core.exceptions import (
        BrokerUnreachable,
        CannotBegin,
        ConfigurationError,
        FailedOutside,
        FileNotStored,
        InvalidApp,
        InvalidConsumer,
        InvalidDelay,
        InvalidFile,
        InvalidId,
        InvalidName,
        InvalidNumber,
        InvalidPattern,
        InvalidPriority,
        InvalidProperties,
        InvalidQueue,
        InvalidRule,
        InvalidToken,
        InvalidTopic,
        InvalidValue,
        JobFailed,
        JobStopped,
        JobTimeout,
        JobUnfinished,
        MissingFile,
        MissingResult,
        NameInUse,
        NoCurrentJob,
        NotRemovable,
        NotRetriable,
        OffloadError,
        OpenTransaction,
        PermanentError,
        RunTimeout,
        StaleAttempt,
        StillBusy,
        UnfitProperties,
        UnknownInstance,
        UnknownJob,
        UnknownQueue,
        UnknownRule,
        UnknownRun,
        UnknownWorkflow,
        UnreadableFile,
        WrongCall,
    )
    from offload.core.states import JobState
    from offload.jobs.async_completion import complete, fail, progress
    from offload.jobs.removing import remove
    from offload.jobs.stopping import stop
    from offload.operations.handles import JobHandle, retry
    from offload.operations.submission import submit, submit_many
    from offload.reading.explain import Explanation, explain
    from offload.worker.install import install
    from offload.worker.tasks.current import CurrentJob, current_job
    from offload.worker.tasks.task import OffloadTask, consumer

__version__ = "0.1.0.dev0"

__all__ = [
    "BrokerUnreachable",
    "CannotBegin",
    "ConfigurationError",
    "CurrentJob",
    "Explanation",
    "FailedOutside",
    "FileNotStored",
    "InvalidApp",
    "InvalidConsumer",
    "InvalidDelay",
    "InvalidFile",
    "InvalidId",
    "InvalidName",
    "InvalidNumber",
    "InvalidPattern",
    "InvalidPriority",
    "InvalidProperties",
    "InvalidQueue",
    "InvalidRule",
    "InvalidToken",
    "InvalidTopic",
    "InvalidValue",
    "JobFailed",
    "JobHandle",
    "JobState",
    "JobStopped",
    "JobTimeout",
    "JobUnfinished",
    "MissingFile",
    "MissingResult",
    "NameInUse",
    "NoCurrentJob",
    "NotRemovable",
    "NotRetriable",
    "OffloadError",
    "OffloadTask",
    "OpenTransaction",
    "PermanentError",
    "RunTimeout",
    "StaleAttempt",
    "StillBusy",
    "UnfitProperties",
    "UnknownInstance",
    "UnknownJob",
    "UnknownQueue",
    "UnknownRule",
    "UnknownRun",
    "UnknownWorkflow",
    "UnreadableFile",
    "WrongCall",
    "complete",
    "consumer",
    "current_job",
    "explain",
    "fail",
    "install",
    "progress",
    "remove",
    "retry",
    "stop",
    "submit",
    "submit_many",
]

#: Where the names live that are no exceptions.
HOMES = {
    "CurrentJob": "offload.worker.tasks.current",
    "Explanation": "offload.reading.explain",
    "JobHandle": "offload.operations.handles",
    "JobState": "offload.core.states",
    "OffloadTask": "offload.worker.tasks.task",
    "complete": "offload.jobs.async_completion",
    "consumer": "offload.worker.tasks.task",
    "current_job": "offload.worker.tasks.current",
    "explain": "offload.reading.explain",
    "fail": "offload.jobs.async_completion",
    "install": "offload.worker.install",
    "progress": "offload.jobs.async_completion",
    "remove": "offload.jobs.removing",
    "retry": "offload.operations.handles",
    "stop": "offload.jobs.stopping",
    "submit": "offload.operations.submission",
    "submit_many": "offload.operations.submission",
}
ERRORS = "offload.core.exceptions"
#: Rooms that need the app to be among INSTALLED_APPS.
USE_CASES = ("offload.jobs.", "offload.operations.", "offload.reading.")


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = HOMES.get(name, ERRORS)
    if home.startswith(USE_CASES):
        import_module("offload.conf").require_app()
    found = globals()[name] = getattr(import_module(home), name)
    return found


def __dir__() -> list[str]:
    """Return the public names, loaded or not, and nothing that only this module uses."""
    return [*__all__, "__version__"]
