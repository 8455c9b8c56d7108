"""Jobs in the admin: the list, and the page of each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db.models.functions import Left
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from offload.admin.base import Paged
from offload.admin.job_filters import (
    ErrorFilter,
    FailedFilter,
    InstanceFilter,
    SubmittedFilter,
    TopicFilter,
)
from offload.admin.paging import AtLeast, CappedPaginator
from offload.browser import ages
from offload.browser.access import OPERATE_JOB
from offload.browser.jobs import actions, views
from offload.browser.jobs.actions import ACTIONS, DELIVER, FORCE, REMOVE, RETRY, STOP, Action
from offload.core.moments import between
from offload.core.states import JobState
from offload.core.texts import truncated, with_type
from offload.fleet.snapshots import now
from offload.models import Job
from offload.operations import bulk
from offload.templatetags.offload import badge as badge_of
from offload.templatetags.offload import broken, seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    from offload.models.jobs import JobQuerySet


#: The columns that a line of the list needs.
COLUMNS = (
    "topic", "state", "instance", "error_type", "attempts", "created_at", "started_at",
    "finished_at", "run_at",
)  # fmt: skip
#: Characters of an error that are read, and that a line shows at most.
ERROR_CHARACTERS_READ, ERROR_CHARACTERS_SHOWN = 300, 60
#: Characters of an id that a line shows.
ID_CHARACTERS_SHOWN = 8
#: Durations below that many seconds show tenths.
TENTHS_BELOW_SECONDS = 10


def _offer(action: Action) -> Callable[..., HttpResponse | None]:
    @admin.action(description=action.label, permissions=["operate"])
    def offered(jobs: JobAdmin, request: HttpRequest, queryset: JobQuerySet) -> HttpResponse | None:
        return jobs.act(request, queryset, action)

    offered.__name__ = action.name
    return offered


@admin.register(Job)
class JobAdmin(Paged):
    """Jobs, the newest first."""

    list_display = (
        "name", "badge", "place", "problem", "attempts", "submitted", "took", "short_id",
    )  # fmt: skip
    list_display_links = ("name", "short_id")
    list_filter = (FailedFilter, ErrorFilter, "state", TopicFilter, InstanceFilter, SubmittedFilter)
    list_per_page = 50
    search_fields = ("id__exact", "key__exact")
    search_help_text = _("A job's id, or the key of jobs.")
    ordering = ("-created_at", "-id")
    paginator = CappedPaginator
    actions = tuple(_offer(action) for action in ACTIONS.values())

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return the page's live part, its files, and the actions on the job."""
        return (
            ("<path:quoted>/now/", "now", views.job_now),
            ("<path:quoted>/retry/", "retry", partial(views.change, action=RETRY)),
            ("<path:quoted>/stop/", "stop", partial(views.change, action=STOP)),
            ("<path:quoted>/force/", "force", self.force),
            ("<path:quoted>/remove/", "remove", partial(views.change, action=REMOVE)),
            ("<path:quoted>/deliver/", "deliver", partial(views.change, action=DELIVER)),
            ("<path:quoted>/files/<int:file_id>/", "file", views.file),
        )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Return the jobs with the columns that the list shows, and errors cut to that length."""
        jobs = (
            super()
            .get_queryset(request)
            .annotate(error_begins=Left("error", ERROR_CHARACTERS_READ))
        )
        shown: QuerySet[Any] = jobs.only(*COLUMNS)
        return shown

    @admin.display(description=_("topic"))
    def name(self, job: Job) -> str:
        """Return the topic; it may be broken between its segments."""
        return broken(job.topic)

    @admin.display(description=_("instance"))
    def place(self, job: Job) -> str:
        """Return the instance it is bound to or ran on."""
        return broken(job.instance) if job.instance else ages.NOTHING

    @admin.display(description=_("state"))
    def badge(self, job: Job) -> str:
        """Return the state as the browser shows it, and when the job is due if it is not yet."""
        shown = badge_of(job.job_state)
        if job.state != JobState.PENDING or job.run_at is None or job.run_at <= now():
            return shown
        due = ages.shown(job.run_at, now())
        return format_html('{} <span class="ob-line ob-quiet">{} {}</span>', shown, _("due"), due)

    @admin.display(description=_("error"))
    def problem(self, job: Any) -> str:
        """Return the type of the last error, without its module, and the beginning of its text."""
        text = with_type(job.error_type, job.error_begins.partition("\n")[0])
        if not text:
            return ages.NOTHING
        short = truncated(text, ERROR_CHARACTERS_SHOWN)
        return format_html('<span class="ob-problem" title="{}">{}</span>', text, short)

    @admin.display(description=_("submitted"))
    def submitted(self, job: Job) -> str:
        """Return how long ago it was submitted."""
        return ages.shown(job.created_at, now())

    @admin.display(description=_("took"))
    def took(self, job: Job) -> str:
        """Return how long the last attempt took, or has been running."""
        if job.started_at is None or not (job.is_finished or job.state == JobState.ACTIVE):
            return ages.NOTHING
        spent = max(0.0, between(job.started_at, job.finished_at or now()))
        return seconds(round(spent, 1 if spent < TENTHS_BELOW_SECONDS else 0))

    @admin.display(description=_("id"))
    def short_id(self, job: Job) -> str:
        """Return the end of the id: ids of the same moment begin alike."""
        short = (
            job.pk if len(job.pk) <= ID_CHARACTERS_SHOWN else f"…{job.pk[-ID_CHARACTERS_SHOWN:]}"
        )
        return format_html('<span class="ob-key" title="{}">{}</span>', job.pk, short)

    def page(self, request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
        """Return the page of a job."""
        return views.job(request, quoted, around)

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may stop, remove and retry jobs."""
        return request.user.has_perm(OPERATE_JOB)

    def force(self, request: HttpRequest, quoted: str) -> HttpResponse:
        """Ask for confirmation, then stop a job by force."""
        if request.method == "POST":
            return views.change(request, quoted, action=FORCE)
        return views.ask(request, quoted, self.admin_site.each_context(request), action=FORCE)

    def act(
        self, request: HttpRequest, queryset: JobQuerySet, action: Action
    ) -> HttpResponse | None:
        """Act on the selected jobs; ask for confirmation if that is risky or the jobs are many."""
        across = request.POST.get("select_across") == "1"
        if (action.is_risky or across) and "post" not in request.POST:
            return self._ask(request, queryset, action, across=across)
        which = queryset if across else [job.pk for job in queryset]
        result = actions.do_many(action, which, request)
        for level, text in actions.about_many(action, result):
            self.message_user(request, text, level)
        return None

    def _ask(
        self, request: HttpRequest, queryset: JobQuerySet, action: Action, *, across: bool
    ) -> HttpResponse:
        able = action.able(queryset).order_by()[: bulk.COUNTED_JOBS_MAX + 1].count()
        chosen = request.POST.getlist(ACTION_CHECKBOX_NAME)
        return views.question(
            request,
            self.admin_site.each_context(request),
            action,
            count=AtLeast.counted(able, bulk.COUNTED_JOBS_MAX),
            most=bulk.JOBS_PER_REQUEST,
            chosen=chosen[:1] if across else chosen,
            across=across,
            back=request.get_full_path(),
        )
