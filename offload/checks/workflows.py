"""Checks of the site's workflows: whether their runs could start, and would find consumers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from django.core.checks import Error, Warning  # noqa: A004 -- Django's name for it

from offload.checks.consumers import is_importing, unimported
from offload.checks.offload_settings import readable
from offload.core.exceptions import ConfigurationError
from offload.messaging.installation import celery_app
from offload.workflows.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from offload.workflows.catalogue import Described


def check(**_: object) -> list[CheckMessage]:
    """Check every workflow of the installed apps, with the parameters of its example.

    Their functions are a site's code, so they are called for ``manage.py check`` alone.
    """
    if sys.argv[1:2] != ["check"] or is_importing() or readable() is None:
        return []
    try:
        celery_app()
        if unimported():
            return []
        found = catalogue()
    except (ConfigurationError, ImportError):
        # Other checks say it.
        return []
    return [message for one in found for message in problems(one)]


def problems(one: Described) -> Iterator[CheckMessage]:
    """Yield the problems of a workflow."""
    if one.is_broken:
        hint = f"No run of {one.name} can start. Mend its function."
        yield Error(one.problem, hint, id="offload.E025")
    if one.unknown_topics:
        topics = ", ".join(one.unknown_topics)
        yield Warning(
            f"Steps of the workflow {one.name} have topics that no consumer here takes: {topics}.",
            "Write a consumer, or mend the topic. If only workers of other code take it, silence "
            "this.",
            id="offload.W012",
        )
