"""The contents of messages between clusters, as frozen values."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from offload.core.states import Explained

if TYPE_CHECKING:
    from collections.abc import Mapping

    from offload.core.peers.rule_requests import RequestAction, RequestOutcome, RequestRefusal
    from offload.core.transfers.announced_files import AnnouncedFile


class PeerNews(enum.StrEnum):
    """The news that a peer reports of a clone."""

    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    #: A time limit ended it.
    TIMED_OUT = "timed_out"
    #: Its run asked to be continued later, or put the job back.
    REQUEUED = "requeued"
    #: Its process or its instance is gone.
    LOST = "lost"
    LEASE_EXPIRED = "lease_expired"
    STOPPED = "stopped"
    REFUSED = "refused"


class CloneRefusal(Explained):
    """The reason why a peer makes no clone of a job."""

    NOT_PERMITTED = "not_permitted", "The peer does not accept jobs of the topic from here."
    NO_INSTANCE = "no_instance", "The peer has no instance that can run the topic now."
    TOO_LARGE = "too_large", "The peer does not take that much payload."
    NO_TRANSPORT = "no_transport", "The peer has no way to get the files of the job."
    NO_SPACE = "no_space", "The disk of the peer has no room for the files of the job."
    NOT_TRANSFERRED = "not_transferred", "The peer could not get the files of the job."
    UNFIT_PROPERTIES = "unfit_properties", "The peer's consumer does not take these properties."
    OTHER_TASK = "other_task", "The task is none that the peer's instance announces for the topic."
    NO_RESOURCE = "no_resource", "The peer has not defined a resource that the job uses."
    ID_IN_USE = "id_in_use", "The peer has another job of this id."
    SWITCHED_OFF = "switched_off", "Accepting jobs from here is switched off at the peer."
    OTHER = "other", "The peer has a reason that this version of offload does not know."

    @classmethod
    def _missing_(cls, value: object) -> CloneRefusal:
        # A report that is not understood would never be answered.
        return cls.OTHER


class ReportVerdict(enum.StrEnum):
    """Home's answer to a report; each is final."""

    ACCEPTED = "accepted"
    STALE = "stale"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerEnvelope:
    """A job that home binds to an instance of the peer."""

    job_id: str
    #: The epoch at home, which the clone keeps.
    epoch: int
    topic: str
    instance: str
    #: The other instances of the peer on which home's rules allow the job.
    others: tuple[str, ...] = ()
    #: The task that was called, or nothing for a job that was submitted to its topic.
    task: str = ""
    args: tuple[Any, ...] = field(default=(), hash=False)
    properties: Mapping[str, Any] = field(default_factory=dict, hash=False)
    #: The options of the call that its run needs, such as limits, headers and stamps.
    options: Mapping[str, Any] = field(default_factory=dict, hash=False)
    priority: int = 0
    #: How often it has failed before, which its run may ask.
    failures: int = 0
    parent_id: str = ""
    root_id: str = ""
    #: Whether no other run of its queue may overlap with this one.
    is_limited: bool = False
    #: Amounts of the receiver's resources that it uses.
    resources: Mapping[str, int] = field(default_factory=dict, hash=False)
    #: Its inputs, each with the ticket by which the peer gets it (P11).
    files: tuple[AnnouncedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A binding that home takes back, and all older ones of the job."""

    job_id: str
    epoch: int
    #: Whether what runs shall stop, and by force; else only nothing may begin.
    stops_runs: bool
    is_forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """The peer's answer to a withdrawal: nothing of these bindings begins any more."""

    job_id: str
    epoch: int
    stops_runs: bool
    is_forced: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CloneReport:
    """All that the peer has to say of a clone so far."""

    job_id: str
    epoch: int
    #: Rises with each report of this binding.
    number: int
    news: PeerNews
    #: Why the job was refused, if it was.
    reason: CloneRefusal | None = None
    #: The facts of the news: the result, the error, the progress, the changes of a retry.
    details: Mapping[str, Any] = field(default_factory=dict, hash=False)
    #: The outputs of a success (P12).
    files: tuple[AnnouncedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputInvitation:
    """Home's request for outputs that it lacks; without any, it asks for the report again."""

    job_id: str
    epoch: int
    #: Each with the ticket by which home takes it.
    files: tuple[AnnouncedFile, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswer:
    """Home's verdict on one report."""

    job_id: str
    epoch: int
    number: int
    verdict: ReportVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRequest:
    """A change of rules, or of a switch, that a cluster is asked to make of its instance (P13)."""

    #: Random; each copy has the same.
    key: str
    #: Rises from one request to the next.
    number: int
    #: All requests of lower numbers have their verdicts.
    settled: int
    action: RequestAction
    #: Its nodename there.
    instance: str
    patterns: tuple[str, ...] = ()
    #: The end of a rule, in seconds since 1970.
    until: float | None = None
    note: str = ""
    #: The name of the person who asked for it.
    by: str
    #: Whether it is taken back, unless it was applied.
    is_withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestAnswer:
    """The verdict on a request (P14)."""

    key: str
    outcome: RequestOutcome
    #: Why it was refused, if it was, and in words.
    refusal: RequestRefusal | None = None
    detail: str = ""
    #: Of the topology there, with the change in it.
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerAnnouncement:
    """The life of a cluster, and what it has heard of the other one's."""

    #: The term of the leader that sent it.
    term: int
    #: Rises with each announcement; an earlier one than the last is ignored.
    beat: int
    #: The last beat of the receiver that the sender heard.
    confirms: int
    #: Seconds for which the receiver may begin the sender's jobs, from before it sent that beat.
    lease: float
    #: The instances, as they announced themselves.
    instances: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    #: How many more there are, which did not fit.
    left_out: int = 0
    #: Whether the sender takes jobs of the receiver's; a switch there says so.
    is_accepting: bool = True
    #: Whether the receiver may ask for changes of the sender's rules.
    lets_rule: bool = False
    #: How far files of the receiver's jobs are on their way.
    moving: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    #: Whether the sender takes announcements and confirmations from a queue of their own.
    hears_apart: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """The answer to an announcement: its sender's lease counts from there (P8)."""

    #: The beat of the announcement.
    confirms: int
    #: Seconds for which the receiver may begin the sender's jobs, from before it sent that beat.
    lease: float


Content: TypeAlias = (
    PeerEnvelope
    | Withdrawal
    | Acknowledgement
    | CloneReport
    | OutputInvitation
    | ReportAnswer
    | RuleRequest
    | RequestAnswer
    | PeerAnnouncement
    | Confirmation
)
