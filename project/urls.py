"""Addresses of the sample site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import path

from project.landing import landing

urlpatterns = [
    path("", landing, name="landing"),
    path("admin/", admin.site.urls),
]
