"""What offload's admin classes have in common."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from django.urls import path

from offload.admin.lists import ListedAdmin, framed
from offload.browser import live

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.http import HttpRequest, HttpResponseBase
    from django.urls import URLPattern


class Viewer(ListedAdmin):
    """Rows that the machine makes: looked at, never edited."""

    show_full_result_count = False
    sortable_by = ()

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse it to everybody."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse it to everybody."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse it to everybody."""
        return False


class Browsed(Viewer):
    """A viewer with pages of the Offloading Browser under its addresses."""

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return route, name and view of each page, beside the admin's own."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        """Return these pages' addresses before the admin's own, which take any text for an id."""
        named = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(route, framed(self, self.guarded(view)), name=f"{named}_{name}")
            for route, name, view in self.pages()
        ]
        return own + super().get_urls()

    def guarded(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """Return the view for users of the admin; htmx is told to load the login page whole."""
        inner = self.admin_site.admin_view(view)

        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.current_app = self.admin_site.name
            if live.is_htmx(request) and not self.admin_site.has_permission(request):
                return live.reload()
            return inner(request, *args, **kwargs)

        return page
