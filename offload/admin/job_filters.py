"""Filters beside the list of jobs; their choices are known without searching the table."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from offload.core.validation.bounds import DAY_SECONDS, HOUR_SECONDS
from offload.fleet.snapshots import now
from offload.models.indexes import HAS_FAILED
from offload.reading.cluster import facts, failures, known_names

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest

    from offload.admin.lists import AnyAdmin

WEEK_SECONDS = 7 * DAY_SECONDS
#: Seconds, by the word that the URL has.
SINCE_SECONDS = {"hour": HOUR_SECONDS, "day": DAY_SECONDS}


class FailedFilter(admin.SimpleListFilter):
    """Filter by recent failure, which has an index of its own."""

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
        return queryset.filter(HAS_FAILED.q, finished_at__gt=since)


class ColumnFilter(admin.SimpleListFilter):
    """Filter by the value of a column."""

    column: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Return the jobs with the chosen value."""
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class ErrorFilter(ColumnFilter):
    """Filter by the type of the error; offer the types of the last day."""

    title = _("error")
    parameter_name = "error"
    column = "error_type"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, str]]:
        """Return the types of errors, by name."""
        lines = failures.recent().lines
        return sorted({(one.error_type, one.name) for one in lines if one.error_type})


class SubmittedFilter(admin.SimpleListFilter):
    """Filter by time of submission: in a long history, this limits what other filters scan."""

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


class TopicFilter(ColumnFilter):
    """Filter by topic; offer the topics that the matrix shows."""

    title = _("topic")
    parameter_name = column = "topic"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, str]]:
        """Return the topics that are known now."""
        known = facts.without_rows().topics
        return [(one, one) for one in sorted(known) if "*" not in one]


class InstanceFilter(ColumnFilter):
    """Filter by the instance that a job is bound to or ran on."""

    title = _("instance")
    parameter_name = column = "instance"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, str]]:
        """Return all instances that ever announced themselves."""
        return [(name, name) for name in known_names.instances()]
