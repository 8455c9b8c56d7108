"""Views of one job: its page, its files, and the request to stop it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.utils import quote
from django.http import FileResponse, Http404
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import changes, job_reading, live
from offload.browser.access import OPERATE_JOB, SEE_JOBS, SEE_PAYLOAD, requires
from offload.browser.address import key_of
from offload.browser.views import home

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.models import Job

logger = logging.getLogger("offload.browser")

FRAGMENT = "offload/_job.html"


@require_safe
@requires(SEE_JOBS)
def job(request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
    """Return the page of a job; `around` is what the admin's frame needs."""
    row = found(quoted)
    shown = {**around, **context(request, row), "title": row.topic, "original": row}
    return TemplateResponse(request, "offload/job.html", shown)


@require_safe
@requires(SEE_JOBS)
def job_now(request: HttpRequest, quoted: str) -> HttpResponse:
    """Return the page's live part, or nothing where it is as before."""
    version = job_reading.pulse(key_of(quoted))
    if live.is_known(request, version):
        return live.unchanged()
    return render(request, FRAGMENT, context(request, found(quoted), version))


@require_POST
@requires(SEE_JOBS, OPERATE_JOB)
def stop(request: HttpRequest, quoted: str) -> HttpResponse:
    """Ask a job to stop."""
    said = changes.stop(found(quoted), by=request.user)
    if live.is_htmx(request):
        shown = context(request, found(quoted))
        return live.told(request, FRAGMENT, shown, messages.SUCCESS, said)
    address = home(request, "offload_job_change", quoted)
    return live.tell(request, messages.SUCCESS, said, home=address)


@require_safe
@requires(SEE_JOBS, SEE_PAYLOAD)
def file(request: HttpRequest, quoted: str, file_id: int) -> FileResponse:
    """Send a file of a job, always as a download: it comes from outside."""
    row = job_reading.visible_files(found(quoted)).filter(pk=file_id).first()
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
    row = job_reading.find(key_of(quoted))
    if row is None:
        raise Http404(_("There is no such job: it was removed, or its transaction rolled back."))
    return row


def context(request: HttpRequest, row: Job, version: str = "-") -> dict[str, Any]:
    """Return what the templates need; the version is settled by the first poll."""
    page = job_reading.page(row, unsealed=request.user.has_perm(SEE_PAYLOAD))
    return {**live.context(request, page, version), "quoted": quote(row.pk)}
