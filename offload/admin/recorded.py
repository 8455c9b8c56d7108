"""Rows that people edit: each edit is a change of ``operations``, which makes and records it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.http import HttpResponseRedirect
from django.utils.translation import gettext as _

from offload.admin.change_history import HistoryAdmin
from offload.core.exceptions import OffloadError
from offload.operations.changes import wording
from offload.operations.changes.actors import of_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.db.models import Model, QuerySet
    from django.http import HttpRequest, HttpResponse

    from offload.operations.changes.change import Change, OutcomeT
    from offload.operations.changes.change_outcomes import Outcome


class RecordedAdmin(HistoryAdmin):
    """An admin for desired state: it asks ``operations`` for every change."""

    def removal(self, rows: list[Any]) -> Iterable[Change[Outcome]]:
        """Return the changes that remove rows."""
        raise NotImplementedError

    def carry_out(self, request: HttpRequest, change: Change[OutcomeT]) -> OutcomeT:
        """Apply a change as the user, and tell what else it came to."""
        outcome = change.apply(of_user(request.user))
        for text in (*outcome.notes, *wording.taken_back(outcome.recalled)):
            self.message_user(request, text, messages.INFO)
        return outcome

    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Remove a row."""
        for change in self.removal([obj]):
            self.carry_out(request, change)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Remove rows."""
        for change in self.removal(list(queryset)):
            self.carry_out(request, change)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Return the rows to delete; on the confirmation page, say what that comes to."""
        if "post" not in request.POST:
            for change in self.removal(list(objs)):
                found = change.preview()
                text = " ".join([*found.outcome.notes, *wording.previewed(found)])
                self.message_user(request, _("This deletion: %s") % text, messages.WARNING)
        return super().get_deleted_objects(objs, request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the form of a row; say why a change was refused."""
        return self._refusable(request, super().changeform_view, *args, **kwargs)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the question before a row is deleted; say why that was refused."""
        return self._refusable(request, super().delete_view, *args, **kwargs)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the list; say why an action was refused."""
        return self._refusable(request, super().changelist_view, *args, **kwargs)

    def _refusable(
        self, request: HttpRequest, view: Callable[..., HttpResponse], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        """Return a page; what was refused meanwhile leads back to it, with the reason."""
        try:
            return view(request, *args, **kwargs)
        except OffloadError as error:
            self.message_user(request, str(error), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave the record to the change: Django's own would be a second one."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Leave the record to the change."""

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Leave the record to the change."""
