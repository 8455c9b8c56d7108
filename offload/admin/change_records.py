"""Changes that people made, from the admin and from terminals, on one page."""

from __future__ import annotations

from django.contrib import admin

from offload.admin.base import Viewer
from offload.models import ChangeRecord


@admin.register(ChangeRecord)
class ChangeRecordAdmin(Viewer):
    """Records of changes of rules, switches, queues and jobs, the newest first."""

    list_display = ("at", "actor", "entrance", "action", "subject", "text")
    list_filter = ("entrance", "kind")
    search_fields = ("subject", "actor", "text")
