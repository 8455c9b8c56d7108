"""Addresses of the sample site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from project.landing import landing

urlpatterns = [
    path("", landing, name="landing"),
    path("admin/", admin.site.urls),
    path("offload/", include("offload.urls")),
]
