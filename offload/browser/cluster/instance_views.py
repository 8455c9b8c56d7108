"""Views of one instance: its page, and its switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.http import Http404
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import live
from offload.browser.access import OPERATE_INSTANCE, SEE_INSTANCES, requires
from offload.browser.cluster import sharing
from offload.browser.cluster.view_state import ViewState
from offload.browser.cluster.views import FLEET, attempt, fleet_context, home
from offload.browser.keys import key_of
from offload.core.texts import version_of
from offload.operations.changes import actors
from offload.operations.changes.switches import SwitchOff, SwitchOn
from offload.reading.cluster import facts, instance_page

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.cluster.instance_page import InstancePage

FRAGMENT = "offload/_instance.html"


@require_safe
@requires(SEE_INSTANCES)
def page(request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of an instance; `around` is what the admin's frame needs."""
    name = key_of(quoted)
    shown = {**around, **context(request, name, facts.read()), "title": name}
    return TemplateResponse(request, "offload/instance.html", shown)


@require_safe
@requires(SEE_INSTANCES)
def now(request: HttpRequest, quoted: str) -> HttpResponse:
    """Return the page's live part, or an empty answer if nothing changed."""
    shown = context(request, key_of(quoted), sharing.recent())
    if live.is_known(request, shown["version"]):
        return live.unchanged()
    return render(request, FRAGMENT, shown)


@require_POST
@requires(SEE_INSTANCES, OPERATE_INSTANCE)
def switch(request: HttpRequest, quoted: str) -> HttpResponse:
    """Switch an instance off or on, from its own page or from the list."""
    name, off = key_of(quoted), request.POST.get("switch") == "off"
    change = SwitchOff(instance=name) if off else SwitchOn(instance=name)
    level, text = attempt(lambda: change.apply(actors.of_user(request.user)).text)
    is_own = "back" in request.POST
    if live.is_htmx(request):
        shown = context(request, name, facts.read()) if is_own else fleet_context(request)
        return live.answer_with_fragment(request, FRAGMENT if is_own else FLEET, shown, level, text)
    if is_own:
        return live.answer_with_redirect(
            request, level, text, home=home(request, "offload_instance_change", quote(name))
        )
    address = home(request, "offload_instance_changelist") + ViewState.of(request.POST).query()
    return live.answer_with_redirect(request, level, text, home=address)


def context(request: HttpRequest, name: str, found: ClusterFacts) -> dict[str, Any]:
    """Return the templates' context; raise Http404 if there is no such instance."""
    shown = instance_page.page(found, name)
    if shown is None:
        raise Http404(_("No instance of this name ever announced itself."))
    return {**live.context(request, shown, _version(shown)), "quoted": quote(name)}


def _version(shown: InstancePage) -> str:
    """Return a text that changes with the page, but not with the age of a late heartbeat."""
    member = shown.member
    beat = member.beat and (member.beat.is_late or member.beat.seconds)
    apart = (member.abilities, member.mode, member.is_off, member.is_behind, member.is_leader, beat)
    load = (member.running, member.bound, member.window, member.pid, member.started_at)
    return version_of((apart, load, shown.consumed, shown.rules, shown.jobs, shown.properties))
