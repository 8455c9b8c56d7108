"""Views of one instance: its page, and its switch."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.http import Http404
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import live, rule_changes
from offload.browser.access import (
    CHANGE_ROUTING,
    OPERATE_INSTANCE,
    SEE_INSTANCES,
    demand,
    requires,
)
from offload.browser.cluster import peer_views, sharing, switch_form
from offload.browser.cluster.view_state import ViewState
from offload.browser.cluster.views import FLEET, attempt, fleet_context, home
from offload.browser.keys import key_of
from offload.core.peers.rule_requests import cluster_and_node
from offload.core.texts import version_of
from offload.operations.changes import actors
from offload.reading.cluster import facts, instance_page, remote_page
from offload.reading.peers.clusters import within_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome
    from offload.reading.cluster.facts import ClusterFacts
    from offload.reading.cluster.instance_page import InstancePage

FRAGMENT = "offload/_instance.html"
REMOTE = "offload/_remote.html"


@require_safe
@requires(SEE_INSTANCES)
def page(request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of an instance; `around` is what the admin's frame needs."""
    name = key_of(quoted)
    shown = {**around, **context(request, name, facts.read()), "title": name}
    return live.Page(request, "offload/instance.html", shown)


@require_safe
@requires(SEE_INSTANCES)
def now(request: HttpRequest, quoted: str) -> HttpResponse:
    """Return the page's live part, or an empty answer if nothing changed."""
    shown = context(request, key_of(quoted), sharing.recent())
    if live.is_known(request, shown["version"]):
        return live.unchanged()
    return render(request, shown["fragment"], shown)


@require_POST
@requires(SEE_INSTANCES, OPERATE_INSTANCE)
def switch(request: HttpRequest, quoted: str) -> HttpResponse:
    """Switch an instance off or on, or drain it, from its own page or from the list."""
    name = key_of(quoted)
    change = partial(switch_form.asked, request.POST, name)
    level, text = attempt(lambda: change().apply(actors.of_user(request.user)).text)
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


@require_POST
@requires(SEE_INSTANCES)
def ask(request: HttpRequest, quoted: str) -> HttpResponse:
    """Ask the cluster of an instance for a change, or take a request back, from its page."""
    name = key_of(quoted)
    level, text = attempt(lambda: _asked(request).apply(actors.of_user(request.user)).text)
    if live.is_htmx(request):
        shown = context(request, name, facts.read())
        return live.answer_with_fragment(request, shown["fragment"], shown, level, text)
    address = home(request, "offload_instance_change", quote(name))
    return live.answer_with_redirect(request, level, text, home=address)


def _asked(request: HttpRequest) -> Change[Outcome]:
    """Return the change of the pressed button; raise PermissionDenied if the user may not."""
    if "number" in request.POST:
        return peer_views.withdrawal(request)
    if "ask" in request.POST:
        demand(request.user, OPERATE_INSTANCE)
        return peer_views.switching(request)
    demand(request.user, CHANGE_ROUTING)
    return rule_changes.read(request.POST)


def context(request: HttpRequest, name: str, found: ClusterFacts) -> dict[str, Any]:
    """Return the templates' context; raise Http404 if there is no such instance."""
    if cluster_and_node(name)[0] and (there := remote_page.page(found, name)) is not None:
        more = {"quoted": quote(name), "fragment": REMOTE, "within": math.ceil(within_seconds())}
        return {**live.context(request, there, version_of(there.shown)), **more}
    shown = instance_page.page(found, name)
    if shown is None:
        raise Http404(_("No instance of this name announced itself, or it was forgotten."))
    more = {"quoted": quote(name), "fragment": FRAGMENT}
    return {**live.context(request, shown, _version(shown)), **more}


def _version(shown: InstancePage) -> str:
    """Return a text that changes with the page, but not with the age of a late heartbeat."""
    member = shown.member
    beat = member.beat and (member.beat.is_late or member.beat.seconds)
    apart = (member.abilities, member.mode, member.off_reason, member.suspicion, beat)
    marks = (member.is_behind, member.is_leader)
    load = (member.running, member.bound, member.window, member.pid, member.started_at)
    return version_of(
        (apart, marks, load, shown.consumed, shown.rules, shown.jobs, shown.properties)
    )
