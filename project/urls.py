"""Addresses of the sample site."""

from __future__ import annotations

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.utils.functional import lazy

from project import gallery
from project.landing import landing

# The admins of both sites look alike.
admin.site.site_header = admin.site.site_title = lazy(
    lambda: f"Asset store: {settings.SITE}", str
)()

urlpatterns = [
    path("", landing, name="landing"),
    path("gallery/", gallery.gallery, name="gallery"),
    path("gallery/now/", gallery.now, name="gallery_now"),
    path("gallery/upload/", gallery.upload, name="gallery_upload"),
    path("gallery/files/<int:number>/", gallery.content, name="gallery_content"),
    path("admin/", admin.site.urls),
    path("offload/", include("offload.urls")),
]
