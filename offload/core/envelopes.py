"""The envelope of a job's message: names its binding; read as untrusted input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from offload.core.placement.topology import PROTOCOL_VERSION
from offload.core.validation.ids import is_epoch, is_id

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The header of a message that holds the envelope.
HEADER = "offload"
#: The header of a message by which an agent finds out whether any arrive.
PROBE_HEADER = "offload_probe"
#: Tasks that run another one; they are sent under their own name to consumers of its topic.
MAP_TASK = "offload.map"
ERRBACK_TASK = "offload.errback"
#: The task that begins the run of such a job where it is; instances announce it for its topic.
RUN_TASK = "offload.run"
BUILTIN_TASKS = frozenset({MAP_TASK, ERRBACK_TASK})
#: The property of a map that names the task, and all that a map has.
MAPPED = "task"
MAP_PROPERTIES = frozenset({MAPPED, "it", "star"})
#: A binding of a job: its id and epoch. Identifies messages, and runs in a worker.
Key: TypeAlias = tuple[str, int]
#: Optional fields, the type of each, and the problem if it has another.
ENVELOPE_FIELDS = (
    ("topic", str, "its topic is not a text"),
    ("instance", str, "its instance is not a text"),
    ("incarnation", str, "its incarnation is not a text"),
    ("silent", bool, "a flag in it is not a boolean"),
    ("limited", bool, "a flag in it is not a boolean"),
)


class Malformed(Exception):
    """The message is not one of offload's; the text says why, without quoting it."""

    #: The next step.
    hint: ClassVar[str] = "somebody else writes there"


class OtherVersion(Malformed):
    """The message has a version of the protocol that this process does not speak."""

    hint = "update offload on the older side, unless somebody else writes there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message's facts about its job; where the row has them too, a claim trusts the row."""

    job_id: str
    epoch: int
    topic: str = ""
    #: The instance and incarnation that the job was bound to.
    instance: str = ""
    incarnation: str = ""
    #: Whether Celery should keep no result; None leaves that to the task.
    is_silent: bool | None = None
    #: Whether runs of its queue must not overlap.
    is_limited: bool = False

    @property
    def key(self) -> Key:
        """Return the message's binding."""
        return self.job_id, self.epoch

    def packed(self) -> dict[str, Any]:
        """Return the value of the header: JSON, with its version."""
        data = {
            "v": PROTOCOL_VERSION,
            "id": self.job_id,
            "epoch": self.epoch,
            "topic": self.topic,
            "instance": self.instance,
            "incarnation": self.incarnation,
        }
        if self.is_silent is not None:
            data["silent"] = self.is_silent
        if self.is_limited:
            data["limited"] = True
        return data

    @classmethod
    def read(cls, data: object) -> Envelope:
        """Read the value of a header.

        Raise OtherVersion for another version of the protocol, Malformed if it is unreadable.
        """
        if not isinstance(data, dict):
            raise Malformed("its header is not an object")
        _check_version(data.get("v"))  # B10
        if problem := _problem(data):
            raise Malformed(problem)
        return cls(
            job_id=data["id"],
            epoch=data["epoch"],
            topic=data.get("topic", ""),
            instance=data.get("instance", ""),
            incarnation=data.get("incarnation", ""),
            is_silent=data.get("silent"),
            is_limited=data.get("limited", False),
        )


def _check_version(version: object) -> None:
    if version == PROTOCOL_VERSION and not isinstance(version, bool):
        return
    if is_epoch(version):
        raise OtherVersion(f"it speaks protocol {version}, and this worker {PROTOCOL_VERSION}")
    raise Malformed("it says no version of the protocol")


def _problem(data: Mapping[str, Any]) -> str:
    if not is_id(data.get("id")):
        return "its job id is invalid"
    if not is_epoch(data.get("epoch")):
        return "its epoch is not a number"
    for name, kind, problem in ENVELOPE_FIELDS:
        if name in data and not isinstance(data[name], kind):
            return problem
    return ""


def mapped_task(properties: Mapping[str, Any]) -> str:
    """Return the name of the task that a map runs for each item; "" if it is no map."""
    task, items = properties.get(MAPPED), properties.get("it")
    if not isinstance(task, dict) or not isinstance(items, list):
        return ""
    name = task.get("task")
    return name if isinstance(name, str) and properties.keys() <= MAP_PROPERTIES else ""
