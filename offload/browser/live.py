"""Pages that stay current: a fragment that is asked for again and again, under a version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from offload.browser.access import access_of
from offload.core.texts import printable, version_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.http import HttpRequest


class Page(TemplateResponse):
    """A page whose text can be sent, whatever a row holds: halves of characters are escaped."""

    @property
    def rendered_content(self) -> str:
        """Return the page as text."""
        return printable(super().rendered_content)


def sendable(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Return the page that Django's admin is about to answer with, as one that can be sent."""
    if not isinstance(answer, TemplateResponse):
        return answer
    return Page(request, answer.template_name, answer.context_data, status=answer.status_code)


def is_htmx(request: HttpRequest) -> bool:
    """Tell whether htmx asks, whatever middleware the site has."""
    return request.headers.get("HX-Request") == "true"


def is_known(request: HttpRequest, version: str) -> bool:
    """Tell whether whoever asks shows this version already."""
    return request.GET.get("v") == version


def unchanged() -> HttpResponse:
    """Return the answer that makes htmx leave everything as it is."""
    return HttpResponse(status=204)


def reload() -> HttpResponse:
    """Return the answer that makes htmx load the whole page anew, login included."""
    return HttpResponse(headers={"HX-Refresh": "true"})


def context(request: HttpRequest, page: object, version: str = "") -> dict[str, Any]:
    """Return what a fragment's template needs."""
    return {
        "page": page,
        "version": version or version_of(page),
        "access": access_of(request.user),
        "paused": "paused" in request.GET,
    }


def tell(request: HttpRequest, level: int, text: str, *, home: str) -> HttpResponse:
    """Answer a change: go back to the page and tell there what was done."""
    messages.add_message(request, level, text)
    return redirect(home)


def told(
    request: HttpRequest, template: str, shown: Mapping[str, Any], level: int, text: str
) -> HttpResponse:
    """Answer a change that htmx sent: the fragment as it is now, and what was done."""
    status = {"told": text, "tone": "bad" if level >= messages.ERROR else "good"}
    return Page(request, "offload/_told.html", {**shown, "fragment": template, **status})
