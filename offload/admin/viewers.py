"""Viewers of rows that have no page of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from offload.admin.base import Browsed, Viewer
from offload.admin.paging import CappedPaginator
from offload.models import (
    Attempt,
    AttemptLog,
    Delivery,
    Dependency,
    DyingFile,
    Exclusion,
    FileTransfer,
    Join,
    KeptFile,
    Lease,
    Payload,
    PayloadFile,
    PlacementRecord,
    RateBucket,
    Reservation,
    ResourceUser,
    Slot,
    StepWait,
    Version,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.utils.functional import _StrPromise


class Internal(Viewer):
    """An admin that is linked on the page of internals only."""

    about: _StrPromise
    paginator = CappedPaginator

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Keep the model out of the index and the sidebar."""
        return False

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list under the tab of the internals."""
        return super().changelist_view(request, {"section": "internals", **(extra_context or {})})


@admin.register(Attempt)
class AttemptAdmin(Internal):
    """Attempts that ended without a result."""

    about = _("Attempts that were followed by another one: what a job's page shows of each.")
    list_display = ("job", "epoch", "instance", "started_at", "ended_at", "cause")
    list_filter = ("cause",)
    list_select_related = ("job",)
    search_fields = ("job__id__exact",)
    ordering = ("-id",)


@admin.register(Payload)
class PayloadAdmin(Internal):
    """Sets of files."""

    about = _("Sets of files that go in with jobs and come out of them.")
    list_display = ("id", "storage", "created_at")
    search_fields = ("id__exact",)
    ordering = ("-created_at",)


@admin.register(PayloadFile)
class PayloadFileAdmin(Internal):
    """Files by name, size and hash."""

    about = _("Files by name, size and hash; each job's page has its own.")
    list_display = ("name", "media_type", "size", "sha256", "job")
    list_select_related = ("job",)
    fields = ("payload", "job", "epoch", "name", "size", "media_type", "sha256", "location")
    search_fields = ("name__exact", "sha256__exact", "payload__id__exact")


@admin.register(Delivery)
class DeliveryAdmin(Internal):
    """Deliveries of outputs."""

    about = _("Outputs that go into a field or a storage once their job has succeeded.")
    list_display = ("name", "job_id", "place", "state", "due_at", "failures", "error")
    fields = (
        "job_id", "number", "name", "target", "location", "due_at", "delivered_at", "failures",
        "error",
    )  # fmt: skip
    search_fields = ("job__id__exact",)
    ordering = ("-pk",)


@admin.register(FileTransfer)
class FileTransferAdmin(Internal):
    """Files on their way to or from other clusters."""

    about = _("Files of jobs on their way to or from other clusters, and those that arrived.")
    list_display = (
        "name", "job_id", "peer", "direction", "transport", "stage", "size", "sent", "saved",
        "tries", "error",
    )  # fmt: skip
    # Without the ticket, which is good for getting the file.
    fields = (
        "job_id", "peer", "epoch", "direction", "task", "name", "size", "media_type", "sha256",
        "transport", "stage", "tries", "sent", "saved", "created_at", "started_at", "finished_at",
        "error_type", "error", "due_at", "owner", "lease_until", "location", "part",
    )  # fmt: skip
    search_fields = ("job__id__exact", "name__exact", "sha256__exact")
    list_filter = ("stage", "direction")
    ordering = ("-pk",)


@admin.register(KeptFile)
class KeptFileAdmin(Internal):
    """Contents that no job uses."""

    about = _("Contents that no job uses, kept for a while: another cluster may send them again.")
    list_display = ("location", "storage", "peer", "size", "used_at", "pinned_until")
    fields = ("peer", "sha256", "size", "storage", "location", "since", "used_at", "pinned_until")
    search_fields = ("location__startswith", "sha256__exact")
    ordering = ("used_at",)


@admin.register(StepWait)
class StepWaitAdmin(Internal):
    """Steps that wait; their results are shown on no page."""

    about = _("Steps of runs that wait or waited for a person, a token, an event or a time.")
    list_display = ("step", "run", "kind", "about", "created_at", "due_at", "outcome", "actor")
    fields = (
        "run", "step", "kind", "about", "permission", "created_at", "due_at", "is_limit",
        "ended_at", "outcome", "actor", "note",
    )  # fmt: skip
    list_select_related = ("run",)
    list_filter = ("kind", "outcome")
    search_fields = ("run__id__exact", "step__exact")
    ordering = ("-id",)


@admin.register(AttemptLog)
class AttemptLogAdmin(Internal):
    """Logs of attempts; their lines are on the job's page."""

    about = _("What runs have logged: the last lines of each attempt.")
    list_display = fields = ("job", "epoch", "count")
    list_select_related = ("job",)
    search_fields = ("job__id__exact",)


@admin.register(PlacementRecord)
class PlacementRecordAdmin(Internal):
    """Why failed jobs ran where they did; it is on the job's page too."""

    about = _("Why failed jobs ran where they did, as the fleet was when they ended.")
    list_display = fields = ("job", "epoch", "instance", "made_at", "text")
    list_select_related = ("job",)
    search_fields = ("job__id__exact",)


@admin.register(DyingFile)
class DyingFileAdmin(Internal):
    """Files to be deleted."""

    about = _("Files that nothing uses, until their storage has deleted them.")
    list_display = fields = ("location", "storage", "since", "due_at", "failures", "error")
    search_fields = ("location__startswith",)
    ordering = ("due_at",)


@admin.register(Join)
class JoinAdmin(Internal):
    """Joins: each waits for several jobs."""

    about = _("What waits for several jobs, such as the body of a chord.")
    list_display = ("id", "fired", "created_at")
    fields = ("id", "root_id", "fired", "created_at")
    list_filter = ("fired",)
    search_fields = ("id__exact",)


@admin.register(Dependency)
class DependencyAdmin(Internal):
    """Dependencies: the jobs that joins wait for."""

    about = _("The jobs that each join waits for.")
    list_display = fields = ("join", "needs", "state")
    list_select_related = ("join",)
    search_fields = ("join__id__exact", "needs__exact")


@admin.register(Exclusion)
class ExclusionAdmin(Internal):
    """Incarnations that refused a job."""

    about = _("Incarnations that refused a job, and until when they are not asked again.")
    list_display = ("job", "incarnation", "reason", "until")
    list_select_related = ("job",)
    search_fields = ("job__id__exact",)


@admin.register(Lease)
class LeaseAdmin(Internal, Browsed):
    """The leader's lease; the page of internals is one of its URLs."""

    about = _("Which instance leads, in which term.")
    list_display = ("name", "holder", "term", "expires_at")

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return the page of internals."""
        return (("internals/", "internals", self.internals),)

    def internals(self, request: HttpRequest) -> HttpResponse:
        """Return the page with links to the internal tables."""
        site = self.admin_site
        found = [one for one in site._registry.values() if isinstance(one, Internal)]
        visible = [one for one in found if one.has_view_permission(request)]
        if not visible:
            raise PermissionDenied
        rows = [
            {
                "name": one.opts.verbose_name_plural,
                "about": one.about,
                "address": reverse(
                    f"admin:offload_{one.opts.model_name}_changelist", current_app=site.name
                ),
            }
            for one in visible
        ]
        shown = {**site.each_context(request), "rows": rows, "title": _("Internals")}
        return TemplateResponse(request, "offload/internals.html", shown)


@admin.register(Version, Slot, RateBucket, ResourceUser, Reservation)
class MachineryAdmin(Internal):
    """Rows that are only counters and locks."""

    about = _("A row that is only counted with, or locked.")
