"""Views of the cluster: the matrix, the instances, and what is changed there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import changes, facts, fleet, live, matrix
from offload.browser.access import CHANGE_ROUTING, OPERATE_INSTANCE, SEE_INSTANCES, requires
from offload.browser.address import key_of
from offload.conf import settings
from offload.core.exceptions import OffloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from django.http import HttpRequest, HttpResponse

MATRIX = "offload/_matrix.html"
FLEET = "offload/_fleet.html"


def matrix_page() -> matrix.Matrix:
    """Return the matrix as it is now, with the ages of what is not applied."""
    found = facts.read()
    page = matrix.build(found)
    late = {cell.desired.rule_id for cell in page.differing if cell.desired.rule_id}
    return matrix.build(facts.with_rule_ages(found, late)) if late else page


def fleet_page() -> fleet.Fleet:
    """Return the instances as they are now."""
    return fleet.build(facts.read(), heartbeat=settings().heartbeat)


@require_safe
@requires(SEE_INSTANCES)
def matrix_now(request: HttpRequest) -> HttpResponse:
    """Return the matrix, or nothing where it is as before."""
    return live.fragment(request, MATRIX, matrix_page())


@require_safe
@requires(SEE_INSTANCES)
def fleet_now(request: HttpRequest) -> HttpResponse:
    """Return the table of instances, or nothing where it is as before."""
    return live.fragment(request, FLEET, fleet_page())


@require_safe
@requires(SEE_INSTANCES)
def instances(request: HttpRequest, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of instances; `around` is what the admin's frame needs."""
    shown = {**around, **live.context(request, fleet_page()), "title": _("Instances")}
    return TemplateResponse(request, "offload/instances.html", shown)


@require_POST
@requires(SEE_INSTANCES, CHANGE_ROUTING)
def desired(request: HttpRequest) -> HttpResponse:
    """Change what is desired of one cell."""
    change = changes.read(request.POST)
    level, text = attempt(lambda: changes.route(change, by=request.user))
    if live.is_htmx(request):
        shown = live.context(request, matrix_page())
        return live.told(request, MATRIX, shown, level, text)
    return live.tell(request, level, text, home=home(request, "app_list", "offload"))


@require_POST
@requires(SEE_INSTANCES, OPERATE_INSTANCE)
def switch(request: HttpRequest, quoted: str) -> HttpResponse:
    """Switch an instance off or on."""
    name, off = key_of(quoted), request.POST.get("switch") == "off"
    level, text = attempt(lambda: changes.switch(name, off=off, by=request.user))
    if live.is_htmx(request):
        return live.told(request, FLEET, live.context(request, fleet_page()), level, text)
    return live.tell(request, level, text, home=home(request, "offload_instance_changelist"))


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
