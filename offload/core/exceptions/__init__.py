"""Everything offload raises; each error carries its facts and says what to do next.

Names say the fact, as Django's own do: what is caught is `UnknownJob`, not `UnknownJobError`.
"""

from __future__ import annotations

from offload.core.exceptions.given import (
    InvalidDelay,
    InvalidFile,
    InvalidId,
    InvalidName,
    InvalidNumber,
    InvalidPattern,
    InvalidPriority,
    InvalidProperties,
    InvalidToken,
    InvalidTopic,
    InvalidValue,
)
from offload.core.exceptions.missing import (
    FileNotStored,
    MissingFile,
    MissingResult,
    UnknownInstance,
    UnknownJob,
    UnknownQueue,
    UnknownRun,
    UnknownWorkflow,
    UnreadableFile,
)
from offload.core.exceptions.root import OffloadError
from offload.core.exceptions.running import (
    BrokerUnreachable,
    CannotBegin,
    ConfigurationError,
    FailedOutside,
    JobFailed,
    JobTimeout,
    NameInUse,
    NoCurrentJob,
    NotRemovable,
    NotRetriable,
    OpenTransaction,
    PermanentError,
    RunTimeout,
    StaleAttempt,
    StillBusy,
)

__all__ = [
    "BrokerUnreachable",
    "CannotBegin",
    "ConfigurationError",
    "FailedOutside",
    "FileNotStored",
    "InvalidDelay",
    "InvalidFile",
    "InvalidId",
    "InvalidName",
    "InvalidNumber",
    "InvalidPattern",
    "InvalidPriority",
    "InvalidProperties",
    "InvalidToken",
    "InvalidTopic",
    "InvalidValue",
    "JobFailed",
    "JobTimeout",
    "MissingFile",
    "MissingResult",
    "NameInUse",
    "NoCurrentJob",
    "NotRemovable",
    "NotRetriable",
    "OffloadError",
    "OpenTransaction",
    "PermanentError",
    "RunTimeout",
    "StaleAttempt",
    "StillBusy",
    "UnknownInstance",
    "UnknownJob",
    "UnknownQueue",
    "UnknownRun",
    "UnknownWorkflow",
    "UnreadableFile",
]
