"""Runs of workflows in the admin: the list, the page of each, and the page of the workflows."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from offload.admin.base import Paged
from offload.admin.paging import CappedPaginator
from offload.browser import ages
from offload.browser.runs import views
from offload.browser.runs.run_controls import DECISIONS, RUN_CONTROLS, RunControl
from offload.fleet.snapshots import now
from offload.models import Run
from offload.reading.runs import run_lines
from offload.templatetags.offload import badge as badge_of
from offload.templatetags.offload import broken

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest, HttpResponse, HttpResponseBase


@admin.register(Run)
class RunAdmin(Paged):
    """Executions of workflows, the newest first."""

    change_list_template = "offload/run_list.html"
    list_display = ("name", "badge", "steps", "actor", "reason", "started", "key")
    list_display_links = ("name", "key")
    list_filter = ("state",)
    list_per_page = 50
    search_fields = ("id__exact", "workflow__exact")
    search_help_text = _("A run's id, or the name of a workflow.")
    ordering = ("-created_at", "-id")
    paginator = CappedPaginator

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return the page of the workflows, a run's live part, and the changes of it."""
        changes = tuple(
            (f"<path:quoted>/{one.name}/", one.name, partial(self.change, control=one))
            for one in RUN_CONTROLS.values()
        )
        decisions = tuple(
            (f"<path:quoted>/{one.name}/", one.name, partial(self.decide, control=one))
            for one in DECISIONS.values()
        )
        return (
            ("workflows/", "workflows", self.workflows),
            ("waiting/", "waiting", self.waiting),
            ("<path:quoted>/now/", "now", views.run_now),
            ("<path:quoted>/copy/", "copy", self.copy),
            *changes,
            *decisions,
        )

    @admin.display(description=_("workflow"))
    def name(self, run: Run) -> str:
        """Return the name of the workflow."""
        return broken(run.workflow)

    @admin.display(description=_("state"))
    def badge(self, run: Run) -> str:
        """Return the state."""
        return badge_of(run_lines.state_of(run))

    @admin.display(description=_("steps"))
    def steps(self, run: Run) -> str:
        """Return how many of its steps have ended."""
        line = run_lines.line(run)
        return f"{line.ended_steps} / {line.steps}"

    @admin.display(description=_("started"))
    def started(self, run: Run) -> str:
        """Return how long ago it was started."""
        return ages.shown(run.created_at, now())

    @admin.display(description=_("id"))
    def key(self, run: Run) -> str:
        """Return the end of the id: ids of the same moment begin alike."""
        return f"…{run.pk[-8:]}"

    def page(self, request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
        """Return the page of a run."""
        return views.run(request, quoted, around)

    def change(self, request: HttpRequest, quoted: str, *, control: RunControl) -> HttpResponse:
        """Ask for confirmation of a change, then make it."""
        return views.change(request, quoted, self.admin_site.each_context(request), control=control)

    def decide(self, request: HttpRequest, quoted: str, *, control: RunControl) -> HttpResponse:
        """Ask for confirmation of a decision about a step, then take it."""
        return views.decide(request, quoted, self.admin_site.each_context(request), control=control)

    def waiting(self, request: HttpRequest) -> HttpResponse:
        """Return the page of the steps that wait for this user's approval."""
        return views.waiting(request, self.admin_site.each_context(request))

    def copy(self, request: HttpRequest, quoted: str) -> HttpResponse:
        """Show the form of a copy, then start it."""
        return views.copy(request, quoted, self.admin_site.each_context(request))

    def workflows(self, request: HttpRequest) -> HttpResponse:
        """Return the page of the workflows."""
        return views.workflows(request, self.admin_site.each_context(request))
