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
    from offload.engine.explain import Explanation, explain
    from offload.engine.handing import complete, fail, progress
    from offload.engine.handles import JobHandle
    from offload.engine.removing import remove
    from offload.engine.retrying import retry
    from offload.engine.stopping import stop
    from offload.engine.submission import submit, submit_many
    from offload.worker.current import CurrentJob, current_job
    from offload.worker.install import install
    from offload.worker.task import OffloadTask, consumer

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
    "CurrentJob": "offload.worker.current",
    "Explanation": "offload.engine.explain",
    "JobHandle": "offload.engine.handles",
    "JobState": "offload.core.states",
    "OffloadTask": "offload.worker.task",
    "complete": "offload.engine.handing",
    "consumer": "offload.worker.task",
    "current_job": "offload.worker.current",
    "explain": "offload.engine.explain",
    "fail": "offload.engine.handing",
    "install": "offload.worker.install",
    "progress": "offload.engine.handing",
    "remove": "offload.engine.removing",
    "retry": "offload.engine.retrying",
    "stop": "offload.engine.stopping",
    "submit": "offload.engine.submission",
    "submit_many": "offload.engine.submission",
}
ERRORS = "offload.core.exceptions"


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = HOMES.get(name, ERRORS)
    if home.startswith("offload.engine."):
        import_module("offload.conf").require_app()
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not, and nothing that only this module uses."""
    return [*__all__, "__version__"]
