"""Tables: fields, constraints, and querysets that ask named questions; no policy."""

from __future__ import annotations

from offload.models.attempt_logs import AttemptLog
from offload.models.attempts import Attempt, Exclusion, PlacementRecord
from offload.models.change_records import ChangeRecord
from offload.models.files.deliveries import Delivery
from offload.models.files.dying_files import DyingFile
from offload.models.files.kept_files import KeptFile
from offload.models.files.transfers import FileTransfer
from offload.models.instances import Instance, Slot
from offload.models.jobs import Job, Kind
from offload.models.joins import Dependency, Join
from offload.models.launching.launcher_rows import Launch, Launcher, LauncherSwitch
from offload.models.leases import Lease, Version
from offload.models.payloads import Payload, PayloadFile
from offload.models.peers.clusters import Peer, PeerRefusal, SeenMessage
from offload.models.peers.outboxes import ClosedBinding, News, WithdrawnBinding
from offload.models.peers.peer_switches import LinkSwitch
from offload.models.peers.request_rows import AnsweredRequest, PeerRequest
from offload.models.queueing.rate_buckets import RateBucket
from offload.models.queueing.reservation_rows import Reservation
from offload.models.queueing.resource_rows import Resource, ResourceUser
from offload.models.queues import Queue
from offload.models.rules import Rule, Switch
from offload.models.runs import Run, StepWait

__all__ = [
    "AnsweredRequest",
    "Attempt",
    "AttemptLog",
    "ChangeRecord",
    "ClosedBinding",
    "Delivery",
    "Dependency",
    "DyingFile",
    "Exclusion",
    "FileTransfer",
    "Instance",
    "Job",
    "Join",
    "KeptFile",
    "Kind",
    "Launch",
    "Launcher",
    "LauncherSwitch",
    "Lease",
    "LinkSwitch",
    "News",
    "Payload",
    "PayloadFile",
    "Peer",
    "PeerRefusal",
    "PeerRequest",
    "PlacementRecord",
    "Queue",
    "RateBucket",
    "Reservation",
    "Resource",
    "ResourceUser",
    "Rule",
    "Run",
    "SeenMessage",
    "Slot",
    "StepWait",
    "Switch",
    "Version",
    "WithdrawnBinding",
    "change_records",
    "fields",
    "files",
    "indexes",
    "instances",
    "jobs",
    "joins",
    "launching",
    "payloads",
    "queueing",
    "stores",
    "validation",
    "versions",
]
