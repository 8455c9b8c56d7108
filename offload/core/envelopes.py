"""The envelope of a job's message: which binding it is for, read as something anybody may write."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from offload.core.placement.topology import PROTOCOL_VERSION
from offload.core.validation.ids import is_epoch, is_id

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The header of a message that holds the envelope.
HEADER = "offload"
#: A binding of a job: its id and epoch. Messages are known by it, and runs in a worker.
Key: TypeAlias = tuple[str, int]
#: Fields that are texts and flags, where they are there.
ENVELOPE_FLAGS = ("silent", "limited")


class Malformed(Exception):
    """A message is nothing that a job was ever sent as; the text says why, without its content."""

    #: What to do about it.
    hint: ClassVar[str] = "somebody else writes there"


class OtherVersion(Malformed):
    """A message is of a version of the protocol that this process does not speak."""

    hint = "update offload on the older side, unless somebody else writes there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A message's facts about its job; a claim trusts the row for all that the row has too."""

    job_id: str
    epoch: int
    topic: str = ""
    #: The instance and incarnation that the job was bound to.
    instance: str = ""
    incarnation: str = ""
    #: Whether Celery keeps no result of it; None leaves that to the task.
    is_silent: bool | None = None
    #: Whether no other run of its queue may overlap with this one.
    is_limited: bool = False

    @property
    def key(self) -> Key:
        """Return the binding that the message is for."""
        return self.job_id, self.epoch

    def packed(self) -> dict[str, Any]:
        """Return the value of the header: JSON, with its version."""
        said = {
            "v": PROTOCOL_VERSION,
            "id": self.job_id,
            "epoch": self.epoch,
            "topic": self.topic,
            "instance": self.instance,
            "incarnation": self.incarnation,
        }
        if self.is_silent is not None:
            said["silent"] = self.is_silent
        if self.is_limited:
            said["limited"] = True
        return said

    @classmethod
    def read(cls, said: object) -> Envelope:
        """Return what the value of a header says.

        Raise OtherVersion for one of another version, Malformed for what is none.
        """
        if not isinstance(said, dict):
            raise Malformed("its header is no object")
        _check_version(said.get("v"))  # B10
        if problem := _problem(said):
            raise Malformed(problem)
        return cls(
            job_id=said["id"],
            epoch=said["epoch"],
            topic=said.get("topic", ""),
            instance=said.get("instance", ""),
            incarnation=said.get("incarnation", ""),
            is_silent=said.get("silent"),
            is_limited=said.get("limited", False),
        )


def _check_version(version: object) -> None:
    if version == PROTOCOL_VERSION and not isinstance(version, bool):
        return
    if is_epoch(version):
        raise OtherVersion(f"it speaks protocol {version}, and this worker {PROTOCOL_VERSION}")
    raise Malformed("it says no version of the protocol")


def _problem(said: Mapping[str, Any]) -> str:
    if not is_id(said.get("id")):
        return "its job's id is none"
    if not is_epoch(said.get("epoch")):
        return "its epoch is no number"
    if not all(
        isinstance(said.get(name, ""), str) for name in ("topic", "instance", "incarnation")
    ):
        return "its topic or instance is no text"
    if not all(isinstance(said.get(name, False), bool) for name in ENVELOPE_FLAGS):
        return "a flag in it is none"
    return ""
