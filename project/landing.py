"""The first page of the sample site."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.conf import settings
from django.contrib import admin
from django.shortcuts import render
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse


@require_safe
def landing(request: HttpRequest) -> HttpResponse:
    """Show what runs here and where to look, in the admin's style."""
    context = {
        **admin.site.each_context(request),
        "title": "An asset store that offloads its work",
        "site": settings.SITE,
        "is_nav_sidebar_enabled": request.user.is_staff,
    }
    return render(request, "landing.html", context)
