"""Views of one job: its page, its files, and the actions on it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from django.contrib.admin.utils import quote
from django.http import FileResponse, Http404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from offload.browser import live
from offload.browser.access import OPERATE_JOB, SEE_JOBS, SEE_PAYLOAD, requires
from offload.browser.cluster.views import home
from offload.browser.jobs import actions
from offload.browser.keys import key_of
from offload.reading.jobs import history, lookup
from offload.reading.jobs.page import page
from offload.reading.jobs.page_version import page_version

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest, HttpResponse

    from offload.browser.jobs.actions import Action
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
    """Return the page's live part, or an empty answer if nothing changed."""
    version = page_version(key_of(quoted))
    if live.is_known(request, version):
        return live.unchanged()
    return live.Page(request, FRAGMENT, context(request, found(quoted), version))


@require_POST
@requires(SEE_JOBS, OPERATE_JOB)
def change(request: HttpRequest, quoted: str, *, action: Action) -> HttpResponse:
    """Act on a job; after a retry, go to the new job."""
    row = found(quoted)
    result = actions.do_one(action, row, request)
    level, text = actions.about_one(action, result)
    if live.is_htmx(request):
        return live.answer_with_fragment(
            request, FRAGMENT, context(request, found(quoted)), level, text
        )
    shown = next((one.retried_as for one in result.changed), "") or row.pk
    return live.answer_with_redirect(
        request, level, text, home=home(request, "offload_job_change", quote(shown))
    )


@require_safe
@requires(SEE_JOBS, OPERATE_JOB)
def ask(
    request: HttpRequest, quoted: str, around: Mapping[str, Any], *, action: Action
) -> HttpResponse:
    """Return the page that asks for confirmation before an action on a job."""
    row = found(quoted)
    address = home(request, "offload_job_change", quote(row.pk))
    shown = {"job": row, "count": 1, "back": address, "title": _("Stop this job by force")}
    return question(request, around, action, **shown)


@require_safe
@requires(SEE_JOBS, SEE_PAYLOAD)
def file(request: HttpRequest, quoted: str, file_id: int) -> FileResponse:
    """Send a file of a job, always as a download, because its content is untrusted."""
    row = history.visible_file(found(quoted), file_id)
    if row is None:
        raise Http404(_("The job has no such file."))
    try:
        opened = row.open()
    except Exception as error:  # A storage may be built on any library, with errors of its own.
        logger.warning("file %s of job %s cannot be opened", file_id, key_of(quoted), exc_info=True)
        raise Http404(_("The storage has lost this file, or cannot be reached.")) from error
    return FileResponse(
        opened, as_attachment=True, filename=row.name, content_type="application/octet-stream"
    )


def found(quoted: str) -> Job:
    """Return the job of a URL; raise Http404 if there is none."""
    row = lookup.find(key_of(quoted))
    if row is None:
        raise Http404(_("There is no such job: it was removed, or its transaction rolled back."))
    return row


def question(
    request: HttpRequest, around: Mapping[str, Any], action: Action, **shown: Any
) -> HttpResponse:
    """Return the page that asks for confirmation before an action on jobs."""
    context = {**around, "action": action, "title": action.label, **shown}
    return live.Page(request, "offload/confirm.html", context)


def context(request: HttpRequest, row: Job, version: str = "-") -> dict[str, Any]:
    """Return the templates' context; the first poll determines the version."""
    shown = page(row, with_payload=request.user.has_perm(SEE_PAYLOAD))
    return {**live.context(request, shown, version), "quoted": quote(row.pk)}
