"""Resources in the admin: how much there is, who uses it, and who waits for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from offload.admin.recorded import RecordedAdmin
from offload.browser import ages
from offload.core.moments import span
from offload.models import Resource
from offload.models.change_records import SubjectKind
from offload.operations.changes.resources import (
    ClearResource,
    CoolResource,
    RemoveResource,
    SetResource,
)
from offload.queues.resources import FIELDS
from offload.reading.cluster.resources import line_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.db.models import QuerySet
    from django.http import HttpRequest

    from offload.core.admission.resources import UsingJob
    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome
    from offload.operations.changes.resources import ResourceOutcome

MANAGE_RESOURCE = "offload.manage_resource"
#: Seconds of the cooling that the action asks for.
COOLING_SECONDS = 600
#: Users that the page of a resource names.
USERS_SHOWN = 50


@admin.register(Resource)
class ResourceAdmin(RecordedAdmin):
    """Countable things that are not instances."""

    fields = ("name", *FIELDS, "used", "users", "waiting", "report", "cooling")
    list_display = ("name", "used", "per", "cooling", "note", "made_by")
    search_fields = ("name",)
    actions = ("cool", "clear")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the facts, and the name of an existing resource, by which jobs refer to it."""
        facts = ("used", "users", "waiting", "report", "cooling")
        return ("name", *facts) if obj else facts

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Return the fields; a new resource has no facts yet."""
        return self.fields if obj else ("name", *FIELDS)

    @admin.display(description=gettext_lazy("used"))
    def used(self, row: Resource) -> str:
        """Return how much is used of how much."""
        line = line_of(row)
        text = f"{line.use.used} / {line.in_force}"
        if line.in_force != row.capacity:
            text += f" ({_('capacity')} {row.capacity})"
        is_over = line.use.used > line.in_force
        return format_html('<span class="ob-warn">{}</span>', text) if is_over else text

    @admin.display(description=gettext_lazy("used by"))
    def users(self, row: Resource) -> str:
        """Return the jobs that use it, with links."""
        holders = line_of(row).use.holders
        if not holders:
            return ages.NOTHING
        more = len(holders) - USERS_SHOWN
        shown = format_html_join(mark_safe("<br>"), "{}", map(_user, holders[:USERS_SHOWN]))
        if more <= 0:
            return shown
        text = ngettext("%(count)d more", "%(count)d more", more) % {"count": more}
        return format_html("{}<br>{}", shown, text)

    @admin.display(description=gettext_lazy("waiting jobs"))
    def waiting(self, row: Resource) -> str:
        """Return how many jobs wait that use it."""
        return str(line_of(row, with_waiting=True).waiting)

    @admin.display(description=gettext_lazy("last report"))
    def report(self, row: Resource) -> str:
        """Return the meaning of the last report."""
        return line_of(row).report or ages.NOTHING

    @admin.display(description=gettext_lazy("cools down until"))
    def cooling(self, row: Resource) -> str:
        """Return until when nothing that uses it begins, and who asked for that."""
        line = line_of(row)
        if not line.cools or row.cools_until is None:
            return ages.NOTHING
        until = ages.shown(row.cools_until, line.at)
        return format_html('<span class="ob-warn">{} ({})</span>', until, row.cooled_by)

    @admin.display(description=gettext_lazy("managed by"))
    def made_by(self, row: Resource) -> str:
        """Return whether the settings declare it; a change makes it a person's."""
        return _("the settings") if row.is_declared else _("people")

    def save_model(self, request: HttpRequest, obj: Resource, form: Any, change: bool) -> None:
        """Define the resource, or change what the form changed of it."""
        if change and not form.changed_data:
            return
        names = form.changed_data if change else FIELDS
        fields = {name: form.cleaned_data[name] for name in names}
        outcome = self.carry_out(request, SetResource(name=obj.name, fields=fields))
        obj.pk = outcome.resource.pk

    def subject(self, row: Resource) -> tuple[str, str]:
        """Return the resource."""
        return SubjectKind.RESOURCE, row.name

    def removal(self, rows: list[Resource]) -> Iterable[Change[Outcome]]:
        """Return the changes that remove resources."""
        return [RemoveResource(name=row.name) for row in rows]

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may let resources cool down."""
        return request.user.has_perm(MANAGE_RESOURCE)

    @admin.action(
        description=gettext_lazy("Let nothing that uses the selected ones begin for ten minutes"),
        permissions=["manage"],
    )
    def cool(self, request: HttpRequest, queryset: QuerySet[Resource]) -> None:
        """Let the resources cool down, and take back what has not begun."""
        self._each(
            request, [CoolResource(name=row.name, seconds=COOLING_SECONDS) for row in queryset]
        )

    @admin.action(
        description=gettext_lazy("Let what uses the selected ones begin again"),
        permissions=["manage"],
    )
    def clear(self, request: HttpRequest, queryset: QuerySet[Resource]) -> None:
        """End the cooling of the resources."""
        self._each(request, [ClearResource(name=row.name) for row in queryset])

    def _each(self, request: HttpRequest, changes: Iterable[Change[ResourceOutcome]]) -> None:
        for change in changes:
            outcome = self.carry_out(request, change)
            self.message_user(request, outcome.sentence, messages.SUCCESS)


def _user(one: UsingJob) -> tuple[SafeString]:
    """Return a job that uses a resource, as a cell."""
    url = reverse("admin:offload_job_change", args=[one.job_id])
    how = _("running") if one.is_running else _("bound")
    fact = f"{one.amount} · {one.topic} · {how} {span(one.age)} · {one.host}"
    return (format_html('<a href="{}">{}</a> {}', url, one.job_id, fact),)
