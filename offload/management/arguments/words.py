"""Words on the command line: must not be empty, must be one of some, must be a known name."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING

from offload.core.nearness import did_you_mean, nearest_topic
from offload.reading.cluster import known_names
from offload.reading.overview import topics

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

    from offload.management.verb import Options


def written(text: str) -> str:
    """Return a word; raise ArgumentTypeError for an empty one, such as from an unset variable."""
    if not text.strip():
        raise ArgumentTypeError("it is empty; write it, or leave the option out")
    return text


def named(text: str) -> str:
    """Return a name or an id; raise ArgumentTypeError for an empty one."""
    if not text.strip():
        raise ArgumentTypeError("it is empty; write it")
    return text


def one_of(known: type[StrEnum]) -> Callable[[str], str]:
    """Return a reader of one of these words; it raises ArgumentTypeError for any other."""
    words = [one.value for one in known]

    def read(text: str) -> str:
        if text not in words:
            near = did_you_mean(text, words)
            raise ArgumentTypeError(f"{text!r:.60} is none of {', '.join(words)}.{near}")
        return text

    return read


def written_as(known: type[StrEnum]) -> str:
    """Return these words in the help's form for a choice."""
    return f"{{{','.join(known)}}}"


def refuse_unknown(options: Options) -> None:
    """Raise UnknownQueue or UnknownInstance for a name that never existed and that no job has."""
    if name := options.get("queue"):
        known_names.check_queue(name)
    if name := options.get("instance"):
        known_names.check_instance(name)


def no_such_job(options: Options) -> str:
    """Return a sentence that no job was found, and the nearest topic."""
    meant = options.get("topic")
    near = nearest_topic(meant, _topics()) if meant else ""
    return f"There is no such job. Did you mean {near!r}?" if near else "There is no such job."


def _topics() -> list[str]:
    return [line.topic for line in topics()]
