"""Placements: how the instances of a run's steps are chosen."""

from __future__ import annotations

import enum
from math import isfinite

from offload.core.exceptions import ConfigurationError


class Placement(enum.StrEnum):
    """How the instances of a run's steps are chosen."""

    # Each by itself.
    ANY = ""
    # One instance does all steps.
    TOGETHER = "together"
    # Each where those before it ran, if that has room within a time.
    NEAR = "near"
    # They take turns over the instances that can do them.
    SPREAD = "spread"
    # All of it at another cluster, which gets it as one job.
    PEER = "peer"


def check_placement(given: object, seconds: object = None) -> Placement:
    """Return the placement of this name; raise ConfigurationError if there is none, or for seconds
    that are no time.
    """
    if given not in list(Placement):
        known = ", ".join(repr(one.value) for one in Placement if one)
        raise ConfigurationError(setting="placement", problem=f"{given!r} is none of {known}")
    if seconds is not None and not _is_time(seconds):
        problem = f"{seconds!r} is no number of seconds, such as 5"
        raise ConfigurationError(setting="near_seconds", problem=problem)
    return Placement(str(given))


def _is_time(seconds: object) -> bool:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return False
    return isfinite(seconds) and seconds >= 0
