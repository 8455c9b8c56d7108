"""Views of one instance: its page, and its switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.http import Http404
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import changes, live
from offload.browser.access import OPERATE_INSTANCE, SEE_INSTANCES, requires
from offload.browser.address import key_of
from offload.browser.cluster import instance, sharing
from offload.browser.cluster.look import Look
from offload.browser.cluster.views import FLEET, attempt, fleet_context, home
from offload.conf import settings
from offload.core.texts import version_of
from offload.reading import cluster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.reading.cluster import ClusterFacts

FRAGMENT = "offload/_instance.html"


@require_safe
@requires(SEE_INSTANCES)
def page(request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of an instance; `around` is what the admin's frame needs."""
    name = key_of(quoted)
    shown = {**around, **context(request, name, cluster.read()), "title": name}
    return TemplateResponse(request, "offload/instance.html", shown)


@require_safe
@requires(SEE_INSTANCES)
def now(request: HttpRequest, quoted: str) -> HttpResponse:
    """Return the page's live part, or nothing where it is as before."""
    shown = context(request, key_of(quoted), sharing.recent())
    if live.is_known(request, shown["version"]):
        return live.unchanged()
    return render(request, FRAGMENT, shown)


@require_POST
@requires(SEE_INSTANCES, OPERATE_INSTANCE)
def switch(request: HttpRequest, quoted: str) -> HttpResponse:
    """Switch an instance off or on, from its page or from that of all."""
    name, off = key_of(quoted), request.POST.get("switch") == "off"
    level, text = attempt(lambda: changes.switch(name, off=off, by=request.user))
    is_own = "back" in request.POST
    if live.is_htmx(request):
        shown = context(request, name, cluster.read()) if is_own else fleet_context(request)
        return live.told(request, FRAGMENT if is_own else FLEET, shown, level, text)
    if is_own:
        return live.tell(
            request, level, text, home=home(request, "offload_instance_change", quote(name))
        )
    address = home(request, "offload_instance_changelist") + Look.of(request.POST).query()
    return live.tell(request, level, text, home=address)


def context(request: HttpRequest, name: str, found: ClusterFacts) -> dict[str, Any]:
    """Return what the templates need; raise Http404 where there is no such instance."""
    shown = instance.build(found, name, heartbeat=settings().heartbeat)
    if shown is None:
        raise Http404(_("No instance of this name was ever announced."))
    return {**live.context(request, shown, _version(shown)), "quoted": quote(name)}


def _version(shown: instance.InstancePage) -> str:
    """Return a text that differs where the page does; one that is late stays as late as it is."""
    member = shown.member
    beat = member.beat and (member.beat.is_late or member.beat.seconds)
    apart = (member.able, member.mode, member.is_off, member.is_behind, member.is_leader, beat)
    load = (member.running, member.bound, member.window, member.pid, member.started_at)
    return version_of((apart, load, shown.consumed, shown.rules, shown.jobs, shown.facts))
