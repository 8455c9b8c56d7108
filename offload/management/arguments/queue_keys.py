"""Type of a queue, and its rules by keys and per instance, on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError, BooleanOptionalAction
from functools import partial
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ValidationError

from offload.core.matching.job_keys import path_problem, weights_problem
from offload.core.policies import QueueType
from offload.core.validation import bounds
from offload.management.arguments.numbers import number, whole
from offload.management.arguments.words import one_of, written_as
from offload.models.queueing.key_rules import validate_per_instance

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Callable, Mapping

NONE_WORD = "none"


def add(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--type", type=one_of(QueueType), metavar=written_as(QueueType),
        help="ordered runs one job at a time, in the order of submission; ordered_per_key does so "
        "for each key; in topic_round_robin its topics take turns",
    )  # fmt: skip
    parser.add_argument(
        "--key", type=_path, metavar="PATH",
        help="the property that is the key of a job, such as tenant or user.id, or none",
    )  # fmt: skip
    parser.add_argument(
        "--max-per-key", type=_or_none(partial(whole, bound=bounds.PARALLEL)), metavar="N",
        help="how many jobs of one key may run at once, or none",
    )  # fmt: skip
    parser.add_argument(
        "--fair", action=BooleanOptionalAction,
        help="let keys take turns, however many jobs of one of them wait",
    )  # fmt: skip
    parser.add_argument(
        "--weight", dest="weights", action="append", type=_weight, metavar="KEY=N",
        help="how many jobs a key gets in its turn; repeat it for more; none is one each",
    )  # fmt: skip
    parser.add_argument(
        "--max-per-instance", type=_or_none(_per_instance), metavar="N",
        help="how many of its jobs an instance may have: a number, a part of its processes such "
        "as 0.5, -1 for as many as it has, or none",
    )  # fmt: skip
    parser.add_argument(
        "--max-per-host", type=_or_none(partial(whole, bound=bounds.PARALLEL)), metavar="N",
        help="how many of its jobs the instances of one host may have together, or none",
    )  # fmt: skip


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return these of the given fields as the row has them."""
    found: dict[str, Any] = {"key": ""} if fields.get("key") == NONE_WORD else {}
    if (given := fields.get("weights")) is not None:
        found["weights"] = dict(one for one in given if one is not None)
    elif fields.get("fair") is False:
        found["weights"] = {}
    return found


def _or_none(read_one: Callable[[str], Any]) -> Callable[[str], Any]:
    return lambda text: text if text == NONE_WORD else read_one(text)


def _path(text: str) -> str:
    if problem := path_problem(text):
        raise ArgumentTypeError(problem)
    return text


def _weight(text: str) -> tuple[str, int] | None:
    if text == NONE_WORD:
        return None
    key, _, weight = text.rpartition("=")
    given = int(weight) if weight.isdecimal() and len(weight) < len("1000000") else weight
    if problem := weights_problem({key: given}):
        raise ArgumentTypeError(f"{problem}; write KEY=N, such as acme=3")
    return key, int(given)


def _per_instance(text: str) -> float:
    found = number(text, bounds.PER_INSTANCE)
    try:
        validate_per_instance(found)
    except ValidationError as error:
        raise ArgumentTypeError(f"{text!r:.60}: {error.messages[0]}") from error
    return found
