"""Tables: fields, constraints, and querysets that ask named questions; no policy."""

from __future__ import annotations

from offload.models.attempts import Attempt, Exclusion
from offload.models.instances import Instance, Slot
from offload.models.jobs import Job, Kind
from offload.models.joins import Dependency, Join
from offload.models.leases import Lease, Version
from offload.models.payloads import Payload, PayloadFile
from offload.models.queues import Queue
from offload.models.rules import Rule, Switch
from offload.models.runs import Run

__all__ = [
    "Attempt",
    "Dependency",
    "Exclusion",
    "Instance",
    "Job",
    "Join",
    "Kind",
    "Lease",
    "Payload",
    "PayloadFile",
    "Queue",
    "Rule",
    "Run",
    "Slot",
    "Switch",
    "Version",
    "fields",
    "indexes",
    "instances",
    "jobs",
    "queues",
    "refusals",
    "stores",
    "versions",
]
