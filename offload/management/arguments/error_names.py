"""After which errors and losses the jobs of a queue are retried, on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidErrorName
from offload.core.matching.rescue import Rescue
from offload.core.matching.retried_errors import name_of
from offload.core.validation.bounds import RESCUE
from offload.management.arguments.times import duration
from offload.management.arguments.words import one_of, written_as

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping

NONE_WORD = "none"
SECOND = timedelta(seconds=1)
ANSWERS = {"yes": True, "no": False}


def add(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--retry-on", action="append", type=_error, metavar="EXCEPTION",
        help="retry only after it, such as ConnectionError; repeat it for more; none is all",
    )  # fmt: skip
    parser.add_argument(
        "--no-retry-on", action="append", type=_error, metavar="EXCEPTION",
        help="never retry after it, such as requests.exceptions.HTTPError; none clears them",
    )  # fmt: skip
    parser.add_argument(
        "--rerun", type=_answer, metavar="yes|no",
        help="whether a job runs again by itself after its process or instance was lost",
    )  # fmt: skip
    parser.add_argument(
        "--rescue", type=one_of(Rescue), metavar=written_as(Rescue),
        help="where a job runs again after its process or instance was lost; same waits for that "
        "instance to come back, and then runs it anywhere, or with same_or_error not at all",
    )  # fmt: skip
    parser.add_argument(
        "--rescue-wait", dest="rescue_seconds", type=_wait, metavar="5m",
        help="how long a lost job waits for the same instance to come back",
    )  # fmt: skip


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return these of the given fields as the row has them."""
    lists = {one: fields.get(one) for one in ("retry_on", "no_retry_on")}
    return {
        name: [one for one in given if one != NONE_WORD]
        for name, given in lists.items()
        if given is not None
    }


def _wait(text: str) -> float:
    seconds = duration(text) / SECOND
    if seconds not in RESCUE:
        raise ArgumentTypeError(f"{text!r:.60} is too long; write at most 365d, which are a year")
    return seconds


def _error(text: str) -> str:
    try:
        return name_of(text)
    except InvalidErrorName as error:
        raise ArgumentTypeError(str(error)) from error


def _answer(text: str) -> bool:
    if text not in ANSWERS:
        raise ArgumentTypeError(f"{text!r:.60} is neither yes nor no")
    return ANSWERS[text]
