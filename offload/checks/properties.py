"""Checks of what settings and environment say of an instance: its labels, its code's version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.checks import Error

from offload.checks.offload_settings import readable
from offload.conf import code_version, labels_of_environment
from offload.core.discovery import labels, properties
from offload.core.exceptions import InvalidProperty

if TYPE_CHECKING:
    from django.core.checks import CheckMessage

    from offload.conf import Settings

HINT = (
    'Write OFFLOAD = {"LABELS": ["gpu", "site=lab"]}, or OFFLOAD_LABELS=gpu,site=lab in the '
    "environment of the worker."
)


def check(**_: object) -> list[CheckMessage]:
    """Check labels and the code's version."""
    given = readable()
    return [] if given is None else [*(_invalid(given) or _clashing(given)), *_version()]


def _invalid(given: Settings) -> list[CheckMessage]:
    places = (
        (labels.SETTINGS_PLACE, given.labels),
        (labels.ENVIRONMENT_PLACE, labels_of_environment()),
    )
    return [
        Error(f"{place}: {problem}", HINT, id="offload.E016")
        for place, found in places
        for problem in labels.problems(found)
    ]


def _clashing(given: Settings) -> list[CheckMessage]:
    named = labels.named(given.labels, labels_of_environment())
    return [
        Error(problem, "Instances announce some properties by themselves.", id="offload.E017")
        for problem in properties.clashes(named)
    ]


def _version() -> list[CheckMessage]:
    try:
        properties.plain_value("code_version", code_version())
    except InvalidProperty as error:
        fact = (
            f'OFFLOAD["CODE_VERSION"], or OFFLOAD_CODE_VERSION in the environment: {error.problem}.'
        )
        hint = 'Write a short one, such as OFFLOAD = {"CODE_VERSION": "2026.11.3"}.'
        return [Error(fact, hint, id="offload.E018")]
    return []
