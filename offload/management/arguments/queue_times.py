"""Rates and windows of time of a queue on the command line."""

from __future__ import annotations

from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from offload.core.exceptions import InvalidRate, InvalidWindow, UnknownTimeZone
from offload.core.timing.rates import Rate
from offload.core.timing.windows import TimeWindow, zone_of
from offload.core.validation import bounds
from offload.management.arguments import times
from offload.management.arguments.numbers import whole

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Mapping
    from datetime import timedelta

NONE_WORD = "none"
#: The options of texts, which an empty text clears.
TEXTS = ("rate", "time_zone")


def add(parser: ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--rate", type=_rate, metavar="N/UNIT",
        help="how many jobs may begin per second, minute, hour or day (s, m, h, d), or none",
    )  # fmt: skip
    parser.add_argument(
        "--burst", type=_burst, metavar="N",
        help="how many of them may begin at once after a pause, or none for a second's worth",
    )  # fmt: skip
    parser.add_argument(
        "--window", dest="windows", action="append", type=_window,
        metavar="'DAYS HH:MM-HH:MM'",
        help="when it runs: 'mon-fri 22:00-06:00'; repeat it for more; none is always",
    )  # fmt: skip
    parser.add_argument(
        "--time-zone", type=_zone, metavar="ZONE",
        help="of the windows, such as Europe/Berlin; none takes the site's",
    )  # fmt: skip
    parser.add_argument(
        "--ageing", type=_ageing, metavar="5m",
        help="waiting that long counts as one step of priority; none if it does not count",
    )  # fmt: skip


def read(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return these of the given fields as the row has them."""
    found = {name: "" for name in TEXTS if fields.get(name) == NONE_WORD}
    if fields.get("rate") == NONE_WORD:
        return {**found, "burst": None, **_windows(fields)}
    return {**found, **_windows(fields)}


def _windows(fields: Mapping[str, Any]) -> dict[str, Any]:
    given = fields.get("windows")
    return {} if given is None else {"windows": [one for one in given if one != NONE_WORD]}


def _rate(text: str) -> str:
    if text == NONE_WORD:
        return text
    try:
        return str(Rate.parse(text))
    except InvalidRate as error:
        raise ArgumentTypeError(str(error)) from error


def _burst(text: str) -> int | str:
    return NONE_WORD if text == NONE_WORD else whole(text, bounds.BURST)


def _window(text: str) -> str:
    if text != NONE_WORD:
        try:
            TimeWindow.parse(text)
        except InvalidWindow as error:
            raise ArgumentTypeError(str(error)) from error
    return text


def _ageing(text: str) -> timedelta | str:
    return NONE_WORD if text == NONE_WORD else times.duration(text)


def _zone(text: str) -> str:
    try:
        return text if text == NONE_WORD else zone_of(text).key
    except UnknownTimeZone as error:
        raise ArgumentTypeError(str(error)) from error
