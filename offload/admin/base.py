"""Base classes of offload's admin."""

from __future__ import annotations

import json
from functools import wraps
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.urls import path
from django.utils.translation import gettext_lazy as _

from offload.admin.lists import ListedAdmin, framed
from offload.browser import live

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from django.http import HttpRequest, HttpResponse, HttpResponseBase
    from django.urls import URLPattern


class LinesField(forms.Field):
    """Texts, one a line, each of which ``check`` examines as a list of its own."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60, "spellcheck": "false"})

    def __init__(self, *, check: Callable[[list[str]], None], **options: Any) -> None:
        """Take the check, and the options of a field."""
        super().__init__(**options)
        self.check = check

    def prepare_value(self, value: Any) -> Any:
        """Return a list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """Return lines as a list."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def validate(self, value: list[str]) -> None:
        """Raise ValidationError with the problem of each line, by its number."""
        super().validate(value)
        errors = [
            error for number, text in enumerate(value, 1) for error in self._wrong(number, text)
        ]
        if errors:
            raise ValidationError(errors)

    def _wrong(self, number: int, text: str) -> list[ValidationError]:
        try:
            self.check([text])
        except ValidationError as error:
            message = _("Line %(line)d: %(error)s")
            return [ValidationError(message, params={"line": number, "error": error.messages[0]})]
        return []


class Decoder(json.JSONDecoder):
    """A decoder to which what is nested too deep to be read is no JSON."""

    def decode(self, s: str, *where: Any) -> Any:
        """Return the value; raise JSONDecodeError if it cannot be read."""
        try:
            return super().decode(s, *where)
        except RecursionError as error:
            raise json.JSONDecodeError("It is nested too deep", s[:100], 0) from error


class JsonField(forms.JSONField):
    """A field whose form says so if its text is nested too deep."""

    def __init__(self, **options: Any) -> None:
        """Take the options of a field."""
        super().__init__(**{**options, "decoder": Decoder})


class Viewer(ListedAdmin):
    """An admin for rows that offload writes: people can look at them, but not edit them."""

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
    """A viewer whose URLs include pages of the Offloading Browser."""

    def pages(self) -> Sequence[tuple[str, str, Callable[..., HttpResponseBase]]]:
        """Return the route, name and view of each page that is added to the admin's own."""
        return ()

    def get_urls(self) -> list[URLPattern]:
        """Return the URLs of these pages, then the admin's own, which take any text for an id."""
        named = f"{self.opts.app_label}_{self.opts.model_name}"
        own = [
            path(route, framed(self, self.guarded(view)), name=f"{named}_{name}")
            for route, name, view in self.pages()
        ]
        return own + super().get_urls()

    def guarded(self, view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        """Return the view for users of the admin; htmx is told to load the whole login page."""
        inner = self.admin_site.admin_view(view)

        @wraps(view)
        def page(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
            request.current_app = self.admin_site.name
            if live.is_htmx(request) and not self.admin_site.has_permission(request):
                return live.reload()
            return inner(request, *args, **kwargs)

        return page


class Paged(Browsed):
    """An admin whose rows have a page of the Offloading Browser instead of the admin's form."""

    def page(self, request: HttpRequest, quoted: str, around: Mapping[str, Any]) -> HttpResponse:
        """Return the page of a row; `around` is what the admin's frame needs."""
        raise NotImplementedError

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Return the page of a row."""
        request.current_app = self.admin_site.name
        return self.page(request, object_id, self.admin_site.each_context(request))
