"""Addresses for files of jobs that travel: ``path("offload/", include("offload.urls"))``."""

from __future__ import annotations

from offload.peers.files import serving

urlpatterns = serving.urls()
