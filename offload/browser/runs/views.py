"""Views of one run: its page, and the changes of it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from offload.browser import live
from offload.browser.access import OPERATE_JOB, SEE_PAYLOAD, SEE_RUNS, requires
from offload.browser.cluster.views import home
from offload.browser.keys import key_of, posted_text
from offload.core.exceptions import OffloadError
from offload.core.texts import version_of
from offload.fleet.snapshots import now
from offload.operations import run_previews
from offload.operations.changes.actors import of_user
from offload.reading.runs import run_lines, waiting_steps
from offload.reading.runs.run_page import page
from offload.reading.runs.run_places import places
from offload.workflows import copy_run
from offload.workflows.catalogue import catalogue, pictured

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.browser.runs.run_controls import RunControl
    from offload.models import Run

FRAGMENT = "offload/_run.html"
#: Stands for no instance in a form; no instance has this name.
ANYWHERE = "*"
EITHER = ["GET", "HEAD", "POST"]


@require_safe
@requires(SEE_RUNS)
def run(request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of a run; `around` is what the admin's frame needs."""
    row = found(quoted)
    shown = {**around, **context(request, row), "title": row.workflow, "original": row}
    return live.Page(request, "offload/run.html", shown)


@require_safe
@requires(SEE_RUNS)
def run_now(request: HttpRequest, quoted: str) -> HttpResponse:
    """Return the page's live part, or an empty answer if nothing changed."""
    shown = context(request, found(quoted))
    if live.is_known(request, shown["version"]):
        return live.unchanged()
    return live.Page(request, FRAGMENT, shown)


@require_http_methods(EITHER)
@requires(SEE_RUNS, OPERATE_JOB)
def change(
    request: HttpRequest, quoted: str, around: Mapping[str, Any], *, control: RunControl
) -> HttpResponse:
    """Ask for confirmation with a preview of a change of a run, then make it."""
    row = found(quoted)
    return _confirmed(request, row, around, control, _step(request))


@require_http_methods(EITHER)
def decide(
    request: HttpRequest, quoted: str, around: Mapping[str, Any], *, control: RunControl
) -> HttpResponse:
    """Ask for confirmation of a decision about a step, then take it."""
    row, step = found(quoted), _step(request)
    if not request.user.has_perm(permission := waiting_steps.permission_of(row, step)):
        raise PermissionDenied([permission])
    return _confirmed(request, row, around, control, step)


def _step(request: HttpRequest) -> str:
    return posted_text(request.POST.get("step") or request.GET.get("step", ""))


def _confirmed(
    request: HttpRequest, row: Run, around: Mapping[str, Any], control: RunControl, step: str
) -> HttpResponse:
    address = _home(request, row.pk)
    place = posted_text(request.POST.get("instance") or request.GET.get("instance", ""))
    do = partial(control.do, step=step) if control.of_step else control.do
    if control.takes_instance:
        do = partial(control.do, instance="" if place == ANYWHERE else place)
    asks = control.takes_instance and not place
    try:
        if request.method == "POST" and not asks:
            return _made(request, row, control, do)
        effects = () if asks else run_previews.preview(row.pk, do)
    except OffloadError as error:
        return live.answer_with_redirect(request, messages.ERROR, str(error), home=address)
    shown = {"control": control, "run": row, "effects": effects, "step": step, "back": address}
    shown |= {"place": place, "places": places(row) if asks else None, "anywhere": ANYWHERE}
    context = {**around, **shown, "title": control.label}
    return live.Page(request, "offload/run_change.html", context)


def _home(request: HttpRequest, key: str) -> str:
    """Return the address of a run's page, or, for those who may not see it, of their list."""
    if request.user.has_perm(SEE_RUNS):
        return home(request, "offload_run_change", quote(key))
    return home(request, "offload_run_waiting")


@require_safe
def waiting(request: HttpRequest, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of the steps that wait for this user's approval."""
    held = [one for one in waiting_steps.permissions() if request.user.has_perm(one)]
    lines = [(one, quote(one.run)) for one in waiting_steps.approvals(held)]
    shown = {"lines": lines, "sees": request.user.has_perm(SEE_RUNS), "now": now()}
    title = _("Waiting for you")
    return live.Page(request, "offload/run_waiting.html", {**around, **shown, "title": title})


def _made(request: HttpRequest, row: Run, control: RunControl, do: Any) -> HttpResponse:
    note = posted_text(request.POST.get("note", "")).strip()
    made = do(row.pk, by=of_user(request.user), note=note) or row.pk
    address = _home(request, made)
    return live.answer_with_redirect(request, messages.SUCCESS, str(control.done), home=address)


@require_http_methods(EITHER)
@requires(SEE_RUNS, OPERATE_JOB, SEE_PAYLOAD)
def copy(request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
    """Show the parameters of a run in a form, then start a copy with those that were sent."""
    row, problem = found(quoted), ""
    given = posted_text(request.POST.get("parameters", ""))
    if request.method == "POST":
        try:
            return _copied(request, row, json.loads(given))
        except (OffloadError, ValueError, TypeError) as error:
            problem = str(error)
    text = given or json.dumps(row.properties, indent=2, ensure_ascii=False, default=str)
    address = home(request, "offload_run_change", quote(row.pk))
    shown = {"run": row, "text": text, "problem": problem, "back": address}
    title = _("Copy this run")
    return live.Page(request, "offload/run_copy.html", {**around, **shown, "title": title})


def _copied(request: HttpRequest, row: Run, parameters: Any) -> HttpResponse:
    if not isinstance(parameters, dict):
        raise TypeError(_("Parameters are a JSON object."))
    actor = of_user(request.user)
    note = posted_text(request.POST.get("note", "")).strip()
    made = copy_run(row.pk, parameters, reason=note, by=actor.name)
    address = home(request, "offload_run_change", quote(made.id))
    done = _("This is a new run with the parameters that you gave.")
    return live.answer_with_redirect(request, messages.SUCCESS, done, home=address)


@require_safe
@requires(SEE_RUNS)
def workflows(request: HttpRequest, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of the workflows that the site defines."""
    shown = [pictured(one) for one in catalogue()]
    title = _("Workflows")
    return live.Page(
        request, "offload/workflows.html", {**around, "workflows": shown, "title": title}
    )


def found(quoted: str) -> Run:
    """Return the run of a URL; raise Http404 if there is none."""
    row = run_lines.find(key_of(quoted))
    if row is None:
        raise Http404(_("There is no such run: it was removed, or its transaction rolled back."))
    return row


def context(request: HttpRequest, row: Run) -> dict[str, Any]:
    """Return the templates' context."""
    shown = page(row)
    version = version_of((shown.line, shown.steps, shown.later, shown.stop_requested, shown.placed))
    decides = {
        one.name for one in shown.steps if one.wait and request.user.has_perm(one.wait.permission)
    }
    own = {"quoted": quote(row.pk), "decides": decides}
    return {**live.context(request, shown, version), **own}
