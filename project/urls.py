"""Addresses of the sample site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from project.landing import landing

# The admins of both sites look alike.
admin.site.site_header = admin.site.site_title = f"Asset store: {settings.SITE}"

urlpatterns = [
    path("", landing, name="landing"),
    path("admin/", admin.site.urls),
    path("offload/", include("offload.urls")),
]
