"""Checks of the site's workflows: whether their runs could start, and would find consumers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.checks import Error, Warning  # noqa: A004 -- Django's name for it

from offload.core.exceptions import ConfigurationError
from offload.workflows.catalogue import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.core.checks import CheckMessage

    from offload.workflows.catalogue import Described


def found() -> list[CheckMessage]:
    """Return the problems of every workflow of the installed apps, with its example's parameters.

    The consumers must be imported, and workflows are a site's code, too.
    """
    try:
        known = catalogue()
    except (ConfigurationError, ImportError):
        # Other checks say it.
        return []
    return [message for one in known for message in problems(one)]


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
