"""Views of the cluster: the matrix, the instances, and changes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import live, rule_changes
from offload.browser.access import CHANGE_ROUTING, SEE_INSTANCES, requires
from offload.browser.cluster import fleet, matrix, sharing
from offload.browser.cluster.view_state import ViewState
from offload.core.exceptions import OffloadError
from offload.operations.changes.actors import of_user
from offload.reading.cluster import facts, rule_ages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.reading.cluster.facts import ClusterFacts

MATRIX = "offload/_matrix.html"
FLEET = "offload/_fleet.html"


def matrix_context(request: HttpRequest, found: ClusterFacts | None = None) -> dict[str, Any]:
    """Return the matrix's context, with the ages of changes that are not applied."""
    found = found or facts.read()
    view = ViewState.of(request.POST if request.method == "POST" else request.GET)
    page = matrix.build(found, view)
    overdue = {cell.desired.rule_id for cell in page.differing if cell.desired.rule_id}
    if overdue:
        page = matrix.build(rule_ages.with_rule_ages(found, overdue), view)
    return {**live.context(request, page, found.version), "failures": found.failures}


def fleet_context(request: HttpRequest, found: ClusterFacts | None = None) -> dict[str, Any]:
    """Return the context of the table of instances."""
    view = ViewState.of(request.POST if request.method == "POST" else request.GET)
    page = fleet.build(found or facts.read(), view)
    return live.context(request, page, page.version)


@require_safe
@requires(SEE_INSTANCES)
def matrix_now(request: HttpRequest) -> HttpResponse:
    """Return the matrix, or an empty answer if nothing changed."""
    found = sharing.recent()
    if live.is_known(request, found.version):
        return live.unchanged()
    return live.Page(request, MATRIX, matrix_context(request, found))


@require_safe
@requires(SEE_INSTANCES)
def fleet_now(request: HttpRequest) -> HttpResponse:
    """Return the table of instances, or an empty answer if nothing changed."""
    found = sharing.recent()
    if live.is_known(request, fleet.version_of(found)):
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
    """Change the desired state of one cell."""
    actor = of_user(request.user)
    level, text = attempt(lambda: rule_changes.read(request.POST).apply(actor).text)
    if live.is_htmx(request):
        return live.answer_with_fragment(request, MATRIX, matrix_context(request), level, text)
    view = ViewState.of(request.POST)
    page = home(request, "app_list", "offload") + view.query(cell=view.cell)
    return live.answer_with_redirect(request, level, text, home=page)


def attempt(act: Callable[[], str]) -> tuple[int, str]:
    """Make the change and return the message; a refusal becomes a message with the next step."""
    try:
        return messages.SUCCESS, act()
    except OffloadError as error:
        return messages.ERROR, str(error)


def home(request: HttpRequest, name: str, *args: str) -> str:
    """Return a URL of the admin site that was called."""
    site = getattr(request, "current_app", None)
    return reverse(f"admin:{name}", args=args, current_app=site)
