"""Views of the cluster: the matrix, the instances, and what is changed there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import changes, live
from offload.browser.access import CHANGE_ROUTING, SEE_INSTANCES, requires
from offload.browser.cluster import fleet, matrix, sharing
from offload.browser.cluster.look import Look
from offload.conf import settings
from offload.core.exceptions import OffloadError
from offload.reading import cluster

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.reading.cluster import ClusterFacts

MATRIX = "offload/_matrix.html"
FLEET = "offload/_fleet.html"


def matrix_context(request: HttpRequest, found: ClusterFacts | None = None) -> dict[str, Any]:
    """Return what the matrix needs, with the ages of what is not applied."""
    found = found or cluster.read()
    look = Look.of(request.POST if request.method == "POST" else request.GET)
    page = matrix.build(found, look)
    overdue = {cell.desired.rule_id for cell in page.differing if cell.desired.rule_id}
    if overdue:
        page = matrix.build(cluster.with_rule_ages(found, overdue), look)
    return {**live.context(request, page, found.version), "failures": found.failures}


def fleet_context(request: HttpRequest, found: ClusterFacts | None = None) -> dict[str, Any]:
    """Return what the table of instances needs."""
    look = Look.of(request.POST if request.method == "POST" else request.GET)
    page = fleet.build(found or cluster.read(), heartbeat=settings().heartbeat, look=look)
    return live.context(request, page, page.version)


@require_safe
@requires(SEE_INSTANCES)
def matrix_now(request: HttpRequest) -> HttpResponse:
    """Return the matrix, or nothing where it is as before."""
    found = sharing.recent()
    if live.is_known(request, found.version):
        return live.unchanged()
    return live.Page(request, MATRIX, matrix_context(request, found))


@require_safe
@requires(SEE_INSTANCES)
def fleet_now(request: HttpRequest) -> HttpResponse:
    """Return the table of instances, or nothing where it is as before."""
    found = sharing.recent()
    if live.is_known(request, fleet.version_of(found, heartbeat=settings().heartbeat)):
        return live.unchanged()
    return live.Page(request, FLEET, fleet_context(request, found))


@require_safe
@requires(SEE_INSTANCES)
def instances(request: HttpRequest, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of instances; `around` is what the admin's frame needs."""
    shown = {**around, **fleet_context(request), "title": _("Instances")}
    return live.Page(request, "offload/instances.html", shown)


@require_POST
@requires(SEE_INSTANCES, CHANGE_ROUTING)
def desired(request: HttpRequest) -> HttpResponse:
    """Change what is desired of one cell."""
    change = changes.read(request.POST)
    level, text = attempt(lambda: changes.route(change, by=request.user))
    if live.is_htmx(request):
        return live.told(request, MATRIX, matrix_context(request), level, text)
    look = Look.of(request.POST)
    page = home(request, "app_list", "offload") + look.query(cell=look.cell)
    return live.tell(request, level, text, home=page)


def attempt(act: Callable[[], str]) -> tuple[int, str]:
    """Do it and return what to tell; what offload refuses is told with its next step."""
    try:
        return messages.SUCCESS, act()
    except OffloadError as error:
        return messages.ERROR, str(error)


def home(request: HttpRequest, name: str, *args: str) -> str:
    """Return an address within the admin site that was asked."""
    site = getattr(request, "current_app", None)
    return reverse(f"admin:{name}", args=args, current_app=site)
