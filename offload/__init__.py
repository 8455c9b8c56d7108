"""Offload jobs to the Celery workers that can and may run them, and watch them there.

Importing this is light: the names below are loaded when they are first used, so that the
Celery app can be made before Django's apps are ready.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from offload.core import VERSION
from offload.core.lazy import load, public

if TYPE_CHECKING:
    # isort: off
    from offload.core.exceptions import (
        AlreadyDecided, BrokerUnreachable, CannotBegin, ConfigurationError, ConsumerError,
        FailedOutside, FileNotStored, FileProblem, FormatUnsupported, InvalidApp, InvalidConsumer,
        InvalidDelay, InvalidDelivery, InvalidErrorName, InvalidFile, InvalidId, InvalidKey,
        InvalidLauncher, InvalidName, InvalidNumber, InvalidPath, InvalidPathPattern,
        InvalidPattern, InvalidPlacement, InvalidPreference, InvalidPriority, InvalidProgram,
        InvalidProperties, InvalidProperty, InvalidQueue, InvalidRate, InvalidRequirement,
        InvalidResource, InvalidRule, InvalidSwitch, InvalidTicket, InvalidToken, InvalidTopic,
        InvalidValue, InvalidWindow, JobFailed, JobStopped, JobTimeout, JobUnfinished, MissingFile,
        MissingResult, NameInUse, NoCurrentJob, NoPeerForRun, NoSpace, NotLetToRule, NotRemovable,
        NotRetriable, OffloadError, OpenTransaction, PermanentError, ProgramFailed, ResourceDenied,
        RetryLater, RunRefused, RunTimeout, SourceCorrupt, SourceUnsupported, StaleAttempt,
        StillBusy, TimedOut, TooLarge, TransferFailed, TransferRefused, UnfitParameters,
        UnfitProperties, UnknownInstance, UnknownJob, UnknownLauncher, UnknownPeer, UnknownQueue,
        UnknownRequest, UnknownResource, UnknownRule, UnknownRun, UnknownStep, UnknownTimeZone,
        UnknownWorkflow, UnreadableFile, WrongCall,
    )  # fmt: skip

    # isort: on
    from offload.core.files.deliveries import ToField, ToStorage
    from offload.core.states import JobState
    from offload.jobs.async_completion import complete, fail, progress
    from offload.jobs.removing import remove
    from offload.jobs.stopping import stop
    from offload.operations.handles import JobHandle, retry
    from offload.operations.resource_reports import report_resource
    from offload.operations.submission import submit, submit_many
    from offload.reading.waiting.explain import explain
    from offload.reading.waiting.explanation import Explanation
    from offload.worker.install import install
    from offload.worker.tasks.consumers import consumer
    from offload.worker.tasks.current_job import CurrentJob, current_job
    from offload.worker.tasks.task import OffloadTask

__version__ = VERSION

__all__ = [
    "AlreadyDecided",
    "BrokerUnreachable",
    "CannotBegin",
    "ConfigurationError",
    "ConsumerError",
    "CurrentJob",
    "Explanation",
    "FailedOutside",
    "FileNotStored",
    "FileProblem",
    "FormatUnsupported",
    "InvalidApp",
    "InvalidConsumer",
    "InvalidDelay",
    "InvalidDelivery",
    "InvalidErrorName",
    "InvalidFile",
    "InvalidId",
    "InvalidKey",
    "InvalidLauncher",
    "InvalidName",
    "InvalidNumber",
    "InvalidPath",
    "InvalidPathPattern",
    "InvalidPattern",
    "InvalidPlacement",
    "InvalidPreference",
    "InvalidPriority",
    "InvalidProgram",
    "InvalidProperties",
    "InvalidProperty",
    "InvalidQueue",
    "InvalidRate",
    "InvalidRequirement",
    "InvalidResource",
    "InvalidRule",
    "InvalidSwitch",
    "InvalidTicket",
    "InvalidToken",
    "InvalidTopic",
    "InvalidValue",
    "InvalidWindow",
    "JobFailed",
    "JobHandle",
    "JobLogHandler",
    "JobState",
    "JobStopped",
    "JobTimeout",
    "JobUnfinished",
    "MissingFile",
    "MissingResult",
    "NameInUse",
    "NoCurrentJob",
    "NoPeerForRun",
    "NoSpace",
    "NotLetToRule",
    "NotRemovable",
    "NotRetriable",
    "OffloadError",
    "OffloadTask",
    "OpenTransaction",
    "PermanentError",
    "ProgramFailed",
    "ResourceDenied",
    "RetryLater",
    "RunRefused",
    "RunTimeout",
    "SourceCorrupt",
    "SourceUnsupported",
    "StaleAttempt",
    "StillBusy",
    "TimedOut",
    "ToField",
    "ToStorage",
    "TooLarge",
    "TransferFailed",
    "TransferRefused",
    "UnfitParameters",
    "UnfitProperties",
    "UnknownInstance",
    "UnknownJob",
    "UnknownLauncher",
    "UnknownPeer",
    "UnknownQueue",
    "UnknownRequest",
    "UnknownResource",
    "UnknownRule",
    "UnknownRun",
    "UnknownStep",
    "UnknownTimeZone",
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
    "report_resource",
    "retry",
    "stop",
    "submit",
    "submit_many",
]

#: The home of each public name; exceptions share one.
HOMES = dict.fromkeys(__all__, "offload.core.exceptions") | {
    "Explanation": "offload.reading.waiting.explanation",
    "JobState": "offload.core.states",
    "JobLogHandler": "offload.worker.job_log_handler",
    "OffloadTask": "offload.worker.tasks.task",
    "consumer": "offload.worker.tasks.consumers",
    "explain": "offload.reading.waiting.explain",
    "install": "offload.worker.install",
    "remove": "offload.jobs.removing",
    "report_resource": "offload.operations.resource_reports",
    "stop": "offload.jobs.stopping",
    **dict.fromkeys(("CurrentJob", "current_job"), "offload.worker.tasks.current_job"),
    **dict.fromkeys(("ToField", "ToStorage"), "offload.core.files.deliveries"),
    **dict.fromkeys(("complete", "fail", "progress"), "offload.jobs.async_completion"),
    **dict.fromkeys(("submit", "submit_many"), "offload.operations.submission"),
    **dict.fromkeys(("JobHandle", "retry"), "offload.operations.handles"),
}
#: Rooms that can be imported only if INSTALLED_APPS has the app.
USE_CASES = ("offload.jobs.", "offload.operations.", "offload.reading.")


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if HOMES.get(name, "").startswith(USE_CASES):
        load("offload.conf:require_app")()
    return public(__name__, HOMES, name)


def __dir__() -> list[str]:
    """Return the public names, loaded or not; leave out the names that only this module uses."""
    return [*__all__, "__version__"]
