"""Viewers of the rows that have no page of their own."""

from __future__ import annotations

from django.contrib import admin

from offload.admin.base import Viewer
from offload.admin.paging import CappedPaginator
from offload.models import (
    Attempt,
    Dependency,
    Exclusion,
    Join,
    Lease,
    Payload,
    PayloadFile,
    Run,
    Slot,
    Version,
)


@admin.register(Attempt)
class AttemptAdmin(Viewer):
    """Attempts that ended without a result."""

    list_display = ("job", "epoch", "instance", "started_at", "ended_at", "cause")
    list_filter = ("cause",)
    list_select_related = ("job",)
    search_fields = ("job__id__exact",)
    paginator = CappedPaginator


@admin.register(Run)
class RunAdmin(Viewer):
    """Executions of workflows; what they work on is shown with their jobs."""

    list_display = ("id", "workflow", "created_at")
    fields = ("id", "workflow", "payload", "created_at")
    search_fields = ("id__exact",)
    ordering = ("-created_at",)
    paginator = CappedPaginator


@admin.register(Payload)
class PayloadAdmin(Viewer):
    """Sets of files."""

    list_display = ("id", "storage", "created_at")
    search_fields = ("id__exact",)
    ordering = ("-created_at",)
    paginator = CappedPaginator


@admin.register(PayloadFile)
class PayloadFileAdmin(Viewer):
    """Files by name, size and hash."""

    list_display = ("name", "media_type", "size", "sha256", "job")
    list_select_related = ("job",)
    fields = ("payload", "job", "epoch", "name", "size", "media_type", "sha256", "location")
    search_fields = ("name__exact", "sha256__exact", "payload__id__exact")
    paginator = CappedPaginator


@admin.register(Join)
class JoinAdmin(Viewer):
    """What waits for several jobs."""

    list_display = ("id", "fired", "created_at")
    fields = ("id", "root_id", "fired", "created_at")
    list_filter = ("fired",)
    search_fields = ("id__exact",)
    paginator = CappedPaginator


@admin.register(Dependency)
class DependencyAdmin(Viewer):
    """What joins wait for."""

    list_display = ("join", "needs", "state")
    fields = ("join", "needs", "state")
    list_select_related = ("join",)
    search_fields = ("join__id__exact", "needs__exact")
    paginator = CappedPaginator


@admin.register(Exclusion)
class ExclusionAdmin(Viewer):
    """Incarnations that refused a job."""

    list_display = ("job", "incarnation", "reason", "until")
    list_select_related = ("job",)
    search_fields = ("job__id__exact",)
    paginator = CappedPaginator


@admin.register(Lease)
class LeaseAdmin(Viewer):
    """Who leads."""

    list_display = ("name", "holder", "term", "expires_at")


@admin.register(Version, Slot)
class MachineryAdmin(Viewer):
    """Rows that are only counted with and locked."""
