"""Jobs in the admin: the list, and the page of each."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from offload.admin.base import Browsed
from offload.admin.paging import CappedPaginator
from offload.browser import changes, job_views, matrix
from offload.browser.access import OPERATE_JOB
from offload.engine.counts import count
from offload.engine.topology import now, snapshot
from offload.models import Instance, Job
from offload.templatetags.offload import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from offload.admin.lists import AnyAdmin


class TopicFilter(admin.SimpleListFilter):
    """By topic; the topics are those the matrix shows, so the table of jobs is not searched."""

    title = _("topic")
    parameter_name = "topic"

    def lookups(self, request: HttpRequest, model_admin: AnyAdmin) -> list[tuple[str, str]]:
        """Return the topics that are known now."""
        known = matrix.topics(snapshot().topology, count(), now())
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


@admin.register(Job)
class JobAdmin(Browsed):
    """Jobs, the newest first."""

    list_display = ("topic", "sign", "instance", "attempts", "created_at", "finished_at", "id")
    list_display_links = ("topic", "id")
    list_filter = ("state", TopicFilter, InstanceFilter)
    list_per_page = 50
    search_fields = ("id__exact",)
    search_help_text = _("A job's id.")
    ordering = ("-created_at", "-id")
    paginator = CappedPaginator
    change_list_template = "offload/job_list.html"
    actions = ("stop",)

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return the page's live part, its files, and the request to stop."""
        return (
            ("<path:quoted>/now/", "now", job_views.job_now),
            ("<path:quoted>/stop/", "stop", job_views.stop),
            ("<path:quoted>/files/<int:file_id>/", "file", job_views.file),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the jobs with what the list shows of them."""
        shown = (name for name in self.list_display if name != "sign")
        return super().get_queryset(request).only("state", *shown)

    @admin.display(description=_("state"))
    def sign(self, job: Job) -> str:
        """Return the state as the browser shows it."""
        return sign(job.job_state)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Return the page of a job."""
        request.current_app = self.admin_site.name
        return job_views.job(request, object_id, self.admin_site.each_context(request))

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may stop jobs."""
        return request.user.has_perm(OPERATE_JOB)

    @admin.action(description=_("Stop selected jobs"), permissions=["operate"])
    def stop(self, request: HttpRequest, queryset: Iterable[Job]) -> None:
        """Ask the selected jobs to stop."""
        count = changes.stop_all([job for job in queryset if not job.is_finished], by=request.user)
        text = ngettext("%d job was asked to stop.", "%d jobs were asked to stop.", count)
        self.message_user(request, text % count, messages.SUCCESS)
