"""Jobs in the admin: the list, and the page of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.utils.translation import gettext_lazy as _

from offload.admin.base import Browsed
from offload.admin.paging import CappedPaginator
from offload.browser import job_acts, job_views, matrix
from offload.browser.access import OPERATE_JOB
from offload.browser.job_acts import ACTS, FORCE, REMOVE, RETRY, STOP, Act
from offload.engine import bulk
from offload.engine.counts import count
from offload.engine.topology import now, snapshot
from offload.models import Instance, Job
from offload.templatetags.offload import sign

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from offload.admin.lists import AnyAdmin
    from offload.models.jobs import JobQuerySet


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


def _offer(act: Act) -> Callable[..., HttpResponse | None]:
    @admin.action(description=act.label, permissions=["operate"])
    def offered(jobs: JobAdmin, request: HttpRequest, queryset: JobQuerySet) -> HttpResponse | None:
        return jobs.act(request, queryset, act)

    offered.__name__ = act.name
    return offered


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
    actions = tuple(_offer(act) for act in ACTS.values())

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return the page's live part, its files, and what can be done to the job."""
        return (
            ("<path:quoted>/now/", "now", job_views.job_now),
            ("<path:quoted>/retry/", "retry", partial(job_views.act, what=RETRY)),
            ("<path:quoted>/stop/", "stop", partial(job_views.act, what=STOP)),
            ("<path:quoted>/force/", "force", self.force),
            ("<path:quoted>/remove/", "remove", partial(job_views.act, what=REMOVE)),
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
        """Tell whether the user may stop, remove and retry jobs."""
        return request.user.has_perm(OPERATE_JOB)

    def force(self, request: HttpRequest, quoted: str) -> HttpResponse:
        """Ask before a job is stopped by force, and then do it."""
        if request.method == "POST":
            return job_views.act(request, quoted, what=FORCE)
        return job_views.ask(request, quoted, self.admin_site.each_context(request), what=FORCE)

    def act(self, request: HttpRequest, queryset: JobQuerySet, what: Act) -> HttpResponse | None:
        """Do something to the selected jobs; ask before, where that is risky or they are many."""
        across = request.POST.get("select_across") == "1"
        if (what.is_risky or across) and "post" not in request.POST:
            return self._ask(request, queryset, what, across=across)
        which = queryset if across else [job.pk for job in queryset]
        result = job_acts.do_many(what, which, by=request.user)
        for level, text in job_acts.told_of_many(what, result):
            self.message_user(request, text, level)
        return None

    def _ask(
        self, request: HttpRequest, queryset: JobQuerySet, what: Act, *, across: bool
    ) -> HttpResponse:
        able = what.able(queryset).order_by()[: bulk.COUNTED].count()
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        return job_views.question(
            request,
            self.admin_site.each_context(request),
            what,
            count=able,
            most=bulk.MOST,
            chosen=chosen[:1] if across else chosen,
            across=across,
            back=request.get_full_path(),
        )
