"""Deliveries: where an output goes once its job has succeeded, and what is done about a failure."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidDelivery, InvalidName
from offload.core.files.suffixes import suffix_of
from offload.core.validation.filenames import check_file_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: The key of the frozen options, beside Celery's own.
DELIVER_OPTION = "offload_deliver"
#: The placeholder of a folder; no two jobs write into the same one.
JOB_ID = "{job.id}"
WILDCARDS = frozenset("*?[")
#: Seconds until a delivery that failed is tried again; doubled each time.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 10.0, 3_600.0
#: Failures after which a delivery is given up: about two days.
FAILURES_MAX = 50
#: Seconds for which one process has a delivery to itself, and bytes that add one second to them.
LEASE_SECONDS, LEASE_BYTES = 60.0, 1 << 20


@dataclass(frozen=True, slots=True)
class ToField:
    """Deliver an output into a FileField of a saved model object."""

    #: The object; only its model and key are stored with the job.
    object: Any
    #: The name of its FileField.
    field: str


@dataclass(frozen=True, slots=True)
class ToStorage:
    """Deliver outputs into a storage, under their names in a folder."""

    #: An alias in ``STORAGES``.
    alias: str
    #: The folder; it must have ``{job.id}``, in whose place the job's id is put.
    folder: str


@dataclass(frozen=True, slots=True)
class FileDelivered:
    """An output of a job has come to the place that the job's submission named."""

    #: The job's id.
    job_id: str
    #: The output's name.
    name: str
    #: The place in words, such as ``thumbnail of shop.asset 7``.
    place: str
    #: Where the file is in the storage of that place.
    location: str

    def keywords(self) -> dict[str, object]:
        """Return the arguments that receivers get beside the event."""
        return {"job_id": self.job_id, "name": self.name, "location": self.location}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A delivery to be made: of one output, to one place."""

    #: The output's name, or the pattern that no output matches.
    name: str
    target: Mapping[str, Any]
    #: Where it goes in the storage; "" if the field decides.
    location: str = ""
    #: Why it cannot be made; "" if it can.
    problem: str = ""


def check_pattern(pattern: object, target: object) -> str:
    """Return the pattern of a delivery; raise InvalidDelivery or InvalidName if it is not one."""
    name = check_file_name(pattern)
    if isinstance(target, ToField) and not WILDCARDS.isdisjoint(name):
        problem = "a field takes one file, so name the output without '*', '?' and '['"
        raise InvalidDelivery(name=name, problem=problem)
    return name


def check_folder(name: str, folder: object) -> str:
    """Return the folder of a delivery without a slash at its end; raise InvalidDelivery."""
    if not isinstance(folder, str) or JOB_ID not in folder:
        problem = f"the folder {folder!r:.100} has no {JOB_ID}, which keeps jobs apart"
        raise InvalidDelivery(name=name, problem=problem)
    plain = folder.removesuffix("/").replace(JOB_ID, "id")
    if not {"{", "}"}.isdisjoint(plain):
        problem = f"the folder {folder!r:.100} has a placeholder other than {JOB_ID}"
        raise InvalidDelivery(name=name, problem=problem)
    try:
        check_file_name(plain)
    except InvalidName as error:
        problem = f"the folder {folder!r:.100} is no folder: {error.problem}"
        raise InvalidDelivery(name=name, problem=problem) from error
    return folder.removesuffix("/")


def plan(job_id: str, orders: object, names: Sequence[str]) -> Iterator[Planned]:
    """Yield the deliveries that a job's frozen orders ask for, given the names of its outputs."""
    taken: set[tuple[str, str]] = set()
    for order in orders if isinstance(orders, list) else ():
        pattern, target = order["name"], order["to"]
        found = [name for name in names if name == pattern or _matches(name, pattern, target)]
        if not found:
            yield Planned(name=pattern, target=target, problem="the job has no such output")
        for name in found:
            yield _planned(job_id, name, target, taken)


def _matches(name: str, pattern: str, target: Mapping[str, Any]) -> bool:
    return "storage" in target and fnmatchcase(name, pattern)


def _planned(
    job_id: str, name: str, target: Mapping[str, Any], taken: set[tuple[str, str]]
) -> Planned:
    if "storage" not in target:
        return Planned(name=name, target=target)
    location = f"{target['folder'].replace(JOB_ID, job_id)}/{name}"
    place = (target["storage"], location)
    problem = "another output of the job goes to the same place" if place in taken else ""
    taken.add(place)
    return Planned(name=name, target=target, location="" if problem else location, problem=problem)


def field_name(job_id: str, number: int, name: str) -> str:
    """Return the file's name for a field: the same for each try, and for no other delivery.

    Nothing but the suffix is taken from the output's name.
    """
    return sha256(f"{job_id}/{number}".encode()).hexdigest()[:20] + suffix_of(name)


def pause(failures: int) -> float | None:
    """Return the seconds until the next try after so many failures; None to give it up."""
    if failures >= FAILURES_MAX:
        return None
    return float(min(FIRST_PAUSE_SECONDS * 2 ** min(failures - 1, 20), LONGEST_PAUSE_SECONDS))


def lease(size: int) -> float:
    """Return the seconds for which nobody else tries to deliver a file of so many bytes."""
    return LEASE_SECONDS + size / LEASE_BYTES
