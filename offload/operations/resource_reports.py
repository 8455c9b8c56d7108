"""Reports of how much there is of a resource, by a site's code."""

from __future__ import annotations

from offload.core.matching.amounts import check_name
from offload.queues import resources


def report_resource(name: str, amount: int) -> None:
    """Say how much there is of a resource, as somebody outside counts it; it counts for a while.

    ``name`` is that of a resource with an age of reports, and ``amount`` a whole number. A report
    lowers the capacity that a person set, never raises it. Raise, with nothing stored:
    InvalidResource for what is no name, or a resource that takes no reports; UnknownResource;
    InvalidNumber for an amount out of bounds.
    """
    resources.report(check_name(name), amount)
