"""Other clusters on the page of the instances: their switches, and requests to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import BadRequest, PermissionDenied
from django.views.decorators.http import require_POST

from offload.browser import live
from offload.browser.access import (
    CHANGE_ROUTING,
    OPERATE_INSTANCE,
    SEE_INSTANCES,
    access_of,
    requires,
)
from offload.browser.cluster.view_state import ViewState
from offload.browser.cluster.views import FLEET, attempt, fleet_context, home
from offload.browser.keys import posted_text
from offload.core.peers.peer_switches import PeerSwitch
from offload.core.peers.rule_requests import RequestAction
from offload.operations.changes.actors import of_user
from offload.operations.changes.peer_switches import ResetPeerSwitch, SetPeerSwitch
from offload.operations.changes.requests import AskPeer, WithdrawRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

#: Digits of the largest number that databases can store.
DIGITS_MAX = 18


@require_POST
@requires(SEE_INSTANCES, OPERATE_INSTANCE)
def switch(request: HttpRequest) -> HttpResponse:
    """Set a switch of another cluster, or of all, or let the settings say it."""
    return _done(request, read(request.POST))


@require_POST
@requires(SEE_INSTANCES, OPERATE_INSTANCE)
def ask(request: HttpRequest) -> HttpResponse:
    """Ask another cluster to switch its instance off or on."""
    return _done(request, switching(request))


@require_POST
@requires(SEE_INSTANCES)
def withdraw(request: HttpRequest) -> HttpResponse:
    """Withdraw a request, by whoever may make such a change."""
    return _done(request, withdrawal(request))


def switching(request: HttpRequest) -> AskPeer:
    """Return the request to switch an instance that the pressed button stands for."""
    action, _space, name = posted_text(request.POST.get("ask", "")).partition(" ")
    if action not in {RequestAction.OFF, RequestAction.ON}:
        raise BadRequest("Send one of off and on, and an instance.")
    return AskPeer(instance=name, action=RequestAction(action))


def withdrawal(request: HttpRequest) -> WithdrawRequest:
    """Return the withdrawal of a request; raise PermissionDenied to who may make no change."""
    access = access_of(request.user)
    if not (access.routing or access.switches):
        raise PermissionDenied([CHANGE_ROUTING, OPERATE_INSTANCE])
    number = posted_text(request.POST.get("number", ""))
    if not number.isascii() or not number.isdecimal() or len(number) > DIGITS_MAX:
        raise BadRequest("Send the number of a request.")
    return WithdrawRequest(number=int(number))


def _done(request: HttpRequest, change: Change[Outcome]) -> HttpResponse:
    """Apply a change; return the page, or the part that a script asked for."""
    level, text = attempt(lambda: change.apply(of_user(request.user)).text)
    if live.is_htmx(request):
        return live.answer_with_fragment(request, FLEET, fleet_context(request), level, text)
    page = home(request, "offload_instance_changelist") + ViewState.of(request.POST).query()
    return live.answer_with_redirect(request, level, text, home=page)


def read(posted: Mapping[str, Any]) -> Change[Outcome]:
    """Return the change that the pressed button stands for; raise BadRequest for any other."""
    peer = posted_text(posted.get("peer", ""))
    name, _space, position = posted_text(posted.get("switch", "")).partition(" ")
    if name not in set(PeerSwitch) or position not in {"on", "off", "reset"}:
        raise BadRequest("Send one of send, accept and move, and one of on, off and reset.")
    which = PeerSwitch(name)
    if position == "reset":
        return ResetPeerSwitch(switch=which, peer=peer)
    return SetPeerSwitch(switch=which, peer=peer, on=position == "on")
