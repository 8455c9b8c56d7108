"""Views of one job: its page, its files, and the request to stop it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.http import FileResponse, Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import live
from offload.browser.access import OPERATE_JOB, SEE_JOBS, SEE_PAYLOAD, requires
from offload.browser.address import key_of
from offload.browser.cluster.views import home
from offload.browser.jobs import acts, reading
from offload.reading import history

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.browser.jobs.acts import Act
    from offload.models import Job

logger = logging.getLogger("offload.browser")

FRAGMENT = "offload/_job.html"


@require_safe
@requires(SEE_JOBS)
def job(request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of a job; `around` is what the admin's frame needs."""
    row = found(quoted)
    shown = {**around, **context(request, row), "title": row.topic, "original": row}
    return live.Page(request, "offload/job.html", shown)


@require_safe
@requires(SEE_JOBS)
def job_now(request: HttpRequest, quoted: str) -> HttpResponse:
    """Return the page's live part, or nothing where it is as before."""
    version = reading.pulse(key_of(quoted))
    if live.is_known(request, version):
        return live.unchanged()
    return live.Page(request, FRAGMENT, context(request, found(quoted), version))


@require_POST
@requires(SEE_JOBS, OPERATE_JOB)
def act(request: HttpRequest, quoted: str, *, what: Act) -> HttpResponse:
    """Do something to a job; a retry leads to the new one."""
    row = found(quoted)
    result = acts.do_one(what, row, by=request.user)
    level, said = acts.told_of_one(what, result)
    if live.is_htmx(request):
        return live.told(request, FRAGMENT, context(request, found(quoted)), level, said)
    shown = next((one.retried_as for one in result.changed), "") or row.pk
    return live.tell(request, level, said, home=home(request, "offload_job_change", quote(shown)))


@require_safe
@requires(SEE_JOBS, OPERATE_JOB)
def ask(request: HttpRequest, quoted: str, around: Mapping[str, Any], *, what: Act) -> HttpResponse:
    """Return the page that asks before something is done to a job."""
    row = found(quoted)
    address = home(request, "offload_job_change", quote(row.pk))
    shown = {"job": row, "count": 1, "back": address, "title": _("Stop this job by force")}
    return question(request, around, what, **shown)


@require_safe
@requires(SEE_JOBS, SEE_PAYLOAD)
def file(request: HttpRequest, quoted: str, file_id: int) -> FileResponse:
    """Send a file of a job, always as a download: it comes from outside."""
    row = history.visible_files(found(quoted)).filter(pk=file_id).first()
    if row is None:
        raise Http404(_("The job has no such file."))
    try:
        opened = row.open()
    except Exception as error:  # Any library may be behind it, with errors of its own.
        logger.warning("file %s of job %s cannot be opened", file_id, key_of(quoted), exc_info=True)
        raise Http404(_("The storage has lost this file, or cannot be reached.")) from error
    return FileResponse(
        opened, as_attachment=True, filename=row.name, content_type="application/octet-stream"
    )


def found(quoted: str) -> Job:
    """Return the job of an address; raise Http404 where there is none."""
    row = reading.find(key_of(quoted))
    if row is None:
        raise Http404(_("There is no such job: it was removed, or its transaction rolled back."))
    return row


def question(
    request: HttpRequest, around: Mapping[str, Any], what: Act, **shown: Any
) -> HttpResponse:
    """Return the page that asks before something is done to jobs."""
    context = {**around, "act": what, "title": what.label, **shown}
    return live.Page(request, "offload/confirm.html", context)


def context(request: HttpRequest, row: Job, version: str = "-") -> dict[str, Any]:
    """Return what the templates need; the version is settled by the first poll."""
    page = reading.page(row, unsealed=request.user.has_perm(SEE_PAYLOAD))
    return {**live.context(request, page, version), "quoted": quote(row.pk)}
