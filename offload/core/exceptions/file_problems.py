"""Reasons why a file cannot be used or carried: a closed list, each with a code."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from offload.core.exceptions.base import OffloadError
from offload.core.exceptions.runtime import PermanentError

if TYPE_CHECKING:
    from collections.abc import Mapping


class FileProblem(OffloadError):
    """A file cannot be used or carried; the base of the closed list of reasons."""

    #: The name of the reason in messages between clusters.
    code: ClassVar[str] = "file_problem"
    #: Does another attempt make sense with the same files?
    can_retry: ClassVar[bool] = True
    #: The fact, as the verb of a sentence about the file.
    fact: ClassVar[str] = "cannot be used"
    advice: ClassVar[str] = "Try again."

    def __init__(self, *, name: str, problem: str) -> None:
        self.name = name
        self.problem = problem
        reason = problem.rstrip(".")
        super().__init__(f"The file {name!r:.300} {self.fact}: {reason:.500}. {self.advice}")


class _Permanent(FileProblem, PermanentError):
    """No attempt can succeed with this file; the job ends in ERROR and is not retried."""

    can_retry = False


class SourceCorrupt(_Permanent):
    """A file is empty or damaged, or its bytes are not those that were announced."""

    code = "source_corrupt"
    fact = "is damaged"
    advice = "Submit the job again with a good copy."


class SourceUnsupported(_Permanent):
    """A file is of a kind that this consumer does not take."""

    code = "source_unsupported"
    fact = "is not supported"
    advice = "Submit a file of a kind that the consumer takes."


class FormatUnsupported(_Permanent):
    """An output was asked for in a format that this consumer cannot make from its input."""

    code = "format_unsupported"
    fact = "cannot be made in the format that was asked for"
    advice = "Ask for another format."


class TooLarge(_Permanent):
    """A file, or all files of a job together, exceed a limit."""

    code = "too_large"
    fact = "is too large"
    advice = "Make it smaller, or raise the limit."


class TransferRefused(_Permanent):
    """The site that has a file, or should get it, refuses the transfer."""

    code = "resource_denied"
    fact = "is refused"
    advice = "Look at the log of the other site for the reason."


class InvalidTicket(_Permanent):
    """The other site describes a file, or the way to it, in a form that cannot be read."""

    code = "invalid_ticket"
    fact = "has an invalid description"
    advice = "Update offload on the older side."


class TransferFailed(FileProblem):
    """A file did not come over: the connection, the other site or its storage failed."""

    code = "transfer_failed"
    fact = "could not be transferred"
    advice = "Look at the connection to the other site, and try again."

    def __init__(self, *, name: str, problem: str, retry_after: float | None = None) -> None:
        #: Seconds that the other site asked to wait.
        self.retry_after = retry_after
        super().__init__(name=name, problem=problem)


class TimedOut(FileProblem):
    """A file did not come over within its time."""

    code = "timed_out"
    fact = "took too long"
    advice = "Allow more time, or look at the connection to the other site."


class NoSpace(FileProblem):
    """The disk has no room for a file."""

    code = "no_space"
    fact = "does not fit on the disk"
    advice = "Free some space, and try again."


class ConsumerError(FileProblem):
    """The consumer failed with an error of its own; its job holds the details."""

    code = "consumer_error"
    fact = "could not be processed"
    advice = "Look at the error of the job."


#: The closed list, by code.
FILE_PROBLEMS: Mapping[str, type[FileProblem]] = MappingProxyType(
    {
        one.code: one
        for one in (
            ConsumerError,
            FormatUnsupported,
            InvalidTicket,
            NoSpace,
            TransferRefused,
            SourceCorrupt,
            SourceUnsupported,
            TimedOut,
            TooLarge,
            TransferFailed,
        )
    }
)


def file_problem(code: object, *, name: str, problem: str) -> FileProblem:
    """Return the problem that a code from another cluster names; an unknown one may be retried."""
    found = FILE_PROBLEMS.get(code) if isinstance(code, str) else None
    return (found or ConsumerError)(name=name, problem=problem)
