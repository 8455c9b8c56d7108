"""Changes that people made, from the admin and from terminals: of a row, and all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.admin.views.main import PAGE_VAR

from offload.admin.base import Viewer
from offload.admin.lists import ListedAdmin
from offload.models import ChangeRecord
from offload.reading.rules.change_records import changes_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

RECORDS_PER_PAGE = 100


class HistoryAdmin(ListedAdmin):
    """An admin whose history is that of the changes of ``operations``."""

    object_history_template = "offload/frame/change_history.html"

    def subject(self, row: Any) -> tuple[str, str]:
        """Return the kind and the name under which changes of a row are recorded."""
        raise NotImplementedError

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the page of changes, the newest first."""
        row = self.get_object(request, unquote(object_id))
        shown = self._shown(request, row) if row is not None else {}
        return super().history_view(request, object_id, {**shown, **(extra_context or {})})

    def _shown(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        found = changes_of(*self.subject(row))
        pages = self.get_paginator(request, found, RECORDS_PER_PAGE)
        page = pages.get_page(request.GET.get(PAGE_VAR, 1))
        return {
            "records": page,
            "page_range": pages.get_elided_page_range(page.number),
            "pagination_required": pages.count > RECORDS_PER_PAGE,
        }


@admin.register(ChangeRecord)
class ChangeRecordAdmin(Viewer):
    """Records of changes of rules, switches, queues and jobs, the newest first."""

    list_display = ("at", "actor", "entrance", "action", "subject", "text")
    list_filter = ("entrance", "kind")
    search_fields = ("subject", "actor", "text")
