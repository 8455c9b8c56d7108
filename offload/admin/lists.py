"""Lists that accept in a URL only what their own filters and columns offer."""

from __future__ import annotations

import logging
from functools import cache, wraps
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.utils import get_fields_from_path
from django.contrib.admin.views.main import ORDER_VAR, ChangeList
from django.contrib.auth import get_permission_codename
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db.models import DateTimeField
from django.template.response import TemplateResponse
from django.urls import URLPattern
from django.utils.translation import gettext as _

from offload.browser import ages, live, outage
from offload.browser.keys import NUL, posted_text
from offload.core.validation.ids import forms
from offload.fleet.snapshots import now

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse, HttpResponseBase

    AnyAdmin = admin.ModelAdmin[Any]
else:
    AnyAdmin = admin.ModelAdmin

logger = logging.getLogger("offload.admin")


def framed(
    made: ListedAdmin, view: Callable[..., HttpResponseBase]
) -> Callable[..., HttpResponseBase]:
    """Return the view; a refusal, or an unreachable database, becomes a page with the next step."""

    @wraps(view)
    def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except PermissionDenied as error:
            if live.is_htmx(request):
                raise
            request.current_app = made.admin_site.name
            named = error.args[0] if error.args and isinstance(error.args[0], list) else ()
            missing = named or made.missing_permissions(request)
            around = made.admin_site.each_context(request)
            shown = {**around, "title": _("Not allowed"), "missing": missing}
            return TemplateResponse(request, "offload/denied.html", shown, status=403)
        except outage.OUTAGE_ERRORS:
            logger.exception("%s cannot be shown: the database does not answer", request.path)
            return outage.away(request, made.admin_site.name)

    return page


@cache
def _moment(field: DateTimeField[Any, Any]) -> Callable[[Any], str]:
    @admin.display(description=field.verbose_name, ordering=field.name)
    def shown(row: Any) -> str:
        return ages.shown(getattr(row, field.name), now())

    return shown


class PlainChangeList(ChangeList):
    """A list in its own order, unless some of its columns can be sorted by."""

    def get_ordering(self, request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
        """Return the order; a URL changes it only if columns can be sorted by."""
        if self.sortable_by == ():
            self.params.pop(ORDER_VAR, None)
        return super().get_ordering(request, queryset)


class ListedAdmin(AnyAdmin):
    """An admin whose URLs cannot filter by fields that the list does not show.

    Django lets everybody who may see a list filter by any field, and so guess it letter by letter.
    """

    show_facets = admin.ShowFacets.NEVER
    #: Read by Unfold alone, which has no other link to the form of a new row.
    show_add_link = True
    change_list_template = "offload/frame/change_list.html"
    add_form_template = change_form_template = "offload/frame/change_form.html"
    delete_confirmation_template = "offload/frame/delete_confirmation.html"
    delete_selected_confirmation_template = "offload/frame/delete_selected_confirmation.html"
    object_history_template = "offload/frame/object_history.html"

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs; users who may not see a page are told so within the admin."""
        return [
            URLPattern(url.pattern, framed(self, url.callback), url.default_args, url.name)
            for url in super().get_urls()
        ]

    def missing_permissions(self, request: HttpRequest) -> list[str]:
        """Return the permission that the user lacks to see the rows, if any."""
        codename = get_permission_codename("view", self.opts)
        return [] if self.has_view_permission(request) else [f"{self.opts.app_label}.{codename}"]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the list, even if its rows hold text that cannot be encoded."""
        return live.sendable(request, super().changelist_view(request, extra_context))

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the page of a row, even if it holds text that cannot be encoded."""
        return live.sendable(request, super().changeform_view(request, *args, **kwargs))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search for the text; a UUID may have any of its forms."""
        found, is_repeated = super().get_search_results(request, queryset, search_term)
        for usual in forms(search_term)[1:]:
            found |= super().get_search_results(request, queryset, usual)[0]
        return found, is_repeated

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Return the class of the list."""
        return PlainChangeList

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        """Return the columns; times are shown as ages."""
        moments = {one.name: one for one in self.opts.fields if isinstance(one, DateTimeField)}
        shown = super().get_list_display(request)
        return [_moment(moments[one]) if one in moments else one for one in shown]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Allow the lookups of the filters beside the list, for every user."""
        if NUL in value:
            return False
        return any(lookup in self._asked_by(one, request) for one in self.list_filter)

    def _asked_by(self, one: Any, request: HttpRequest | None) -> Sequence[str | None]:
        """Return the parameters of a filter that is declared in any of Django's ways."""
        if isinstance(one, type) and issubclass(one, admin.SimpleListFilter):
            return [one.parameter_name]
        path, make = one if isinstance(one, tuple | list) else (one, admin.FieldListFilter.create)
        field = get_fields_from_path(self.model, path)[-1]
        made: admin.FieldListFilter = make(field, request, {}, self.model, self, field_path=path)
        return made.expected_parameters()

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> Any:
        """Return the row of a URL, or None, also for a key that no row can have."""
        return None if NUL in object_id else super().get_object(request, object_id, from_field)

    def response_action(
        self, request: HttpRequest, queryset: QuerySet[Any], *args: Any, **kwargs: Any
    ) -> HttpResponse | None:
        """Run an action; raise BadRequest if a selected key is invalid."""
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            self._check_key(key)
        return super().response_action(request, queryset, *args, **kwargs)

    def _check_key(self, key: str) -> None:
        try:
            self.opts.pk.run_validators(self.opts.pk.to_python(posted_text(key)))
        except ValidationError as error:
            raise BadRequest(error.messages[0]) from error
