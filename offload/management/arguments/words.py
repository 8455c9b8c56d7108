"""Words on the command line that must say something, and names that nothing has."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from offload.core.exceptions import UnknownInstance, UnknownQueue
from offload.core.nearness import did_you_mean, nearest_topic
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Job
from offload.reading.overview import topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from offload.management.verb import Options


def written(text: str) -> str:
    """Return a word; raise ArgumentTypeError for an empty one, such as a shell makes of $UNSET."""
    if not text.strip():
        raise ArgumentTypeError("it is empty; write it, or leave the option out")
    return text


def named(text: str) -> str:
    """Return a name or an id; raise ArgumentTypeError for an empty one."""
    if not text.strip():
        raise ArgumentTypeError("it is empty; write it")
    return text


def one_of(known: type[StrEnum]) -> Callable[[str], str]:
    """Return what reads one of these words; it raises ArgumentTypeError for any other."""
    words = [one.value for one in known]

    def read(text: str) -> str:
        if text not in words:
            near = did_you_mean(text, words)
            raise ArgumentTypeError(f"{text!r:.60} is none of {', '.join(words)}.{near}")
        return text

    return read


def written_as(known: type[StrEnum]) -> str:
    """Return these words as the help shows a choice."""
    return f"{{{','.join(known)}}}"


def refuse_unknown(options: Options) -> None:
    """Raise UnknownQueue or UnknownInstance for one that neither is here nor had a job."""
    if name := options.get("queue"):
        refuse_unknown_queue(name)
    if name := options.get("instance"):
        refuse_unknown_instance(name)


def refuse_unknown_queue(name: str) -> None:
    """Raise UnknownQueue where no queue has this name, and no job is in one."""
    seen = snapshot(fresh=True)
    known = [seen.default.name, *(one.name for one in seen.policies)]
    if name not in known and not Job.objects.filter(queue=name).exists():
        raise UnknownQueue(name=name, known=known)


def refuse_unknown_instance(name: str) -> None:
    """Raise UnknownInstance where no worker ever had this name, and no job names it."""
    try:
        Instance.objects.named(name)
    except UnknownInstance:
        if not Job.objects.filter(instance=name).exists():
            raise


def no_such_job(options: Options) -> str:
    """Return that no job was found, and which topic may have been meant."""
    meant = options.get("topic")
    near = nearest_topic(meant, _topics()) if meant else ""
    return f"There is no such job. Did you mean {near!r}?" if near else "There is no such job."


def _topics() -> list[str]:
    return [line.topic for line in topics()]
