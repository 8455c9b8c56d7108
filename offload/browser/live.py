"""Pages that stay current: the browser polls a fragment that has a version."""

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
    """A page that can always be encoded: lone surrogates from rows are escaped."""

    @property
    def rendered_content(self) -> str:
        """Return the page as text."""
        return printable(super().rendered_content)


def sendable(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """Turn the response of Django's admin into one that can always be encoded."""
    if not isinstance(answer, TemplateResponse):
        return answer
    return Page(request, answer.template_name, answer.context_data, status=answer.status_code)


def is_htmx(request: HttpRequest) -> bool:
    """Tell whether the request comes from htmx, whatever middleware the site has."""
    return request.headers.get("HX-Request") == "true"


def is_known(request: HttpRequest, version: str) -> bool:
    """Tell whether the client already shows this version."""
    return request.GET.get("v") == version


def unchanged() -> HttpResponse:
    """Return the response that makes htmx change nothing."""
    return HttpResponse(status=204)


def reload() -> HttpResponse:
    """Return the response that makes htmx reload the whole page, or the login page."""
    return HttpResponse(headers={"HX-Refresh": "true"})


def context(request: HttpRequest, page: object, version: str = "") -> dict[str, Any]:
    """Return the context of a fragment's template."""
    return {
        "page": page,
        "version": version or version_of(page),
        "access": access_of(request.user),
        "paused": "paused" in request.GET,
    }


def answer_with_redirect(request: HttpRequest, level: int, text: str, *, home: str) -> HttpResponse:
    """Respond to a change: redirect to the page, which shows the message."""
    messages.add_message(request, level, text)
    return redirect(home)


def answer_with_fragment(
    request: HttpRequest, template: str, shown: Mapping[str, Any], level: int, text: str
) -> HttpResponse:
    """Respond to a change by htmx: the current fragment and the message."""
    status = {"message": text, "tone": "bad" if level >= messages.ERROR else "good"}
    return Page(request, "offload/_message.html", {**shown, "fragment": template, **status})
