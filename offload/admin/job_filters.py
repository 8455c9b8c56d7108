"""Filters beside the list of jobs; what they offer is known without searching the table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from offload.core.states import FAILED
from offload.fleet.snapshots import now
from offload.models import Instance
from offload.reading import cluster, failures

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from offload.admin.lists import AnyAdmin

WEEK_SECONDS = 7 * failures.DAY_SECONDS
#: Seconds by the word of an address.
SINCE_SECONDS = {"hour": failures.HOUR_SECONDS, "day": failures.DAY_SECONDS}


class FailedFilter(admin.SimpleListFilter):
    """Those that failed lately, which an index of their own finds."""

    title = _("failed")
    parameter_name = "failed"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, Any]]:
        """Return an hour and a day."""
        return [("hour", _("in the last hour")), ("day", _("in the last day"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs that failed within that time."""
        seconds = SINCE_SECONDS.get(self.value() or "")
        if seconds is None:
            return queryset
        since = now() - timedelta(seconds=seconds)
        return queryset.filter(state__in=sorted(FAILED), finished_at__gt=since)


class ErrorFilter(admin.SimpleListFilter):
    """By the type of error; those are offered that came in the last day."""

    title = _("error")
    parameter_name = "error"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, str]]:
        """Return the types by their names."""
        lines = failures.recent().lines
        return sorted({(one.error_type, one.name) for one in lines if one.error_type})

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs with that error."""
        return queryset.filter(error_type=self.value()) if self.value() else queryset


class SubmittedFilter(admin.SimpleListFilter):
    """Those submitted lately: in a long history it bounds what the other filters look through."""

    title = _("submitted")
    parameter_name = "submitted"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, Any]]:
        """Return an hour, a day and a week."""
        return [
            ("hour", _("in the last hour")),
            ("day", _("in the last day")),
            ("week", _("in the last week")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs submitted within that time."""
        seconds = {**SINCE_SECONDS, "week": WEEK_SECONDS}.get(self.value() or "")
        if seconds is None:
            return queryset
        return queryset.filter(created_at__gt=now() - timedelta(seconds=seconds))


class TopicFilter(admin.SimpleListFilter):
    """By topic; the topics are those the matrix shows."""

    title = _("topic")
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, str]]:
        """Return the topics that are known now."""
        known = cluster.without_rows().topics
        return [(one, one) for one in sorted(known) if "*" not in one]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs of the topic."""
        return queryset.filter(topic=self.value()) if self.value() else queryset


class InstanceFilter(admin.SimpleListFilter):
    """By the instance a job is bound to or ran on."""

    title = _("instance")
    parameter_name = "instance"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, str]]:
        """Return the instances that were ever announced."""
        return [(name, name) for name in Instance.objects.values_list("pk", flat=True)]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs of the instance."""
        return queryset.filter(instance=self.value()) if self.value() else queryset
