"""Responses while the database is unreachable."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import InterfaceError, OperationalError
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.deprecation import MiddlewareMixin

if TYPE_CHECKING:
    from django.http import HttpRequest

logger = logging.getLogger("offload.admin")

#: The errors that drivers raise if the database does not answer.
OUTAGE_ERRORS = (OperationalError, InterfaceError)


class DatabaseAway(MiddlewareMixin):
    """Middleware that makes every page of the admin say that the database is unreachable.

    This app's own pages do so without it; Django's pages, such as the index, need it.
    """

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return that page if the error means it and the request was for an admin."""
        asked = request.resolver_match
        if not isinstance(error, OUTAGE_ERRORS) or asked is None or "admin" not in asked.app_names:
            return None
        logger.error("%s cannot be shown", request.path, exc_info=error)
        return away(request, asked.namespace)


def away(request: HttpRequest, site: str) -> HttpResponse:
    """Return a page that needs nothing from the database, not even the user.

    `site` is the name of the admin's site.
    """
    start = reverse("admin:index", current_app=site)
    again = request.get_full_path() if request.method == "GET" else start
    shown = render_to_string("offload/away.html", {"again": again})
    return HttpResponse(shown, status=503, headers={"Retry-After": "5"})
