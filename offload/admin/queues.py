"""Queues in the admin: edited by people, and each change acts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from offload.admin.lists import ListedAdmin
from offload.browser import ages
from offload.models import Queue
from offload.models.queues import validate_patterns
from offload.queues import policies
from offload.templatetags.offload import broken

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.http import HttpRequest, HttpResponse

    ModelForm = forms.ModelForm[Queue]
else:
    ModelForm = forms.ModelForm

#: What people change of a queue that the settings declare.
SWITCH_FIELDS = ("suspended", "note")
MANAGE_QUEUE = "offload.manage_queue"


class PatternsField(forms.Field):
    """Patterns of topics, one a line."""

    widget = forms.Textarea(attrs={"rows": 4, "cols": 60, "spellcheck": "false"})

    def prepare_value(self, value: Any) -> Any:
        """Return a list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list) else value

    def to_python(self, value: Any) -> list[str]:
        """Return lines as a list."""
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]

    def validate(self, value: list[str]) -> None:
        """Raise ValidationError with what is wrong about each line, by its number."""
        super().validate(value)
        errors = [error for number, text in enumerate(value, 1) for error in _wrong(number, text)]
        if errors:
            raise ValidationError(errors)


def _wrong(number: int, text: str) -> list[ValidationError]:
    try:
        validate_patterns([text])
    except ValidationError as error:
        told = _("Line %(line)d: %(error)s")
        return [ValidationError(told, params={"line": number, "error": error.messages[0]})]
    return []


class QueueForm(ModelForm):
    """A queue, its patterns as lines."""

    topics = PatternsField(
        label=_("Topic patterns"),
        help_text=_("One a line: a/b exactly · a/* one more segment · a/** one or more · **"),
    )

    class Meta:
        """All that people edit."""

        model = Queue
        fields = (
            "name", "topics", "ranking", "type", "max_parallel", "retries", "retry_delay",
            "backoff", "retention_days", "suspended", "note",
        )  # fmt: skip


@admin.register(Queue)
class QueueAdmin(ListedAdmin):
    """Policies for sets of topics."""

    form = QueueForm
    list_display = (
        "name", "patterns", "held", "type", "max_parallel", "retries", "ranking", "made_by",
    )  # fmt: skip
    list_filter = ("suspended", "type")
    search_fields = ("name",)
    actions = ("suspend", "resume")
    change_list_template = "offload/queue_list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the list; where the queue ``default`` has no row, what holds for it stands above.

        Its jobs go by the settings then, as if there were one.
        """
        missing = not Queue.objects.filter(name=policies.DEFAULT_QUEUE).exists()
        default = policies.default_row() if missing else None
        return super().changelist_view(request, {**(extra_context or {}), "default": default})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return what a new queue begins with: for the one named ``default``, what holds now."""
        initial: dict[str, Any] = super().get_changeform_initial_data(request)
        if initial.get("name") != policies.DEFAULT_QUEUE:
            return initial
        return model_to_dict(policies.default_row(), fields=self.form.Meta.fields)

    @admin.display(description=_("topic patterns"))
    def patterns(self, queue: Queue) -> str:
        """Return the patterns as people write them."""
        topics = queue.topics if isinstance(queue.topics, list) else ()
        return format_html_join(", ", "{}", ((broken(one),) for one in topics))

    @admin.display(description=_("suspended"))
    def held(self, queue: Queue) -> str:
        """Return whether its jobs are held back, and why."""
        if not queue.suspended:
            return ages.NOTHING
        shown = '<span class="ob-warn"><span aria-hidden="true">■</span> {}</span> {}'
        return format_html(shown, _("suspended"), queue.note)

    @admin.display(description=_("made by"))
    def made_by(self, queue: Queue) -> str:
        """Return whether the settings declare it."""
        return str(_("the settings") if queue.is_declared else _("people"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the name of a queue that exists, and all that the settings say of it.

        Jobs know a queue by its name.
        """
        if obj is None or not obj.is_declared:
            return ("name",) if obj else ()
        return tuple(one for one in self.form.Meta.fields if one not in SWITCH_FIELDS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete what the settings declare: it would come back."""
        is_declared = obj is not None and obj.is_declared
        return not is_declared and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        """Store it and take back what is bound beyond its limit."""
        self._tell(request, policies.save(obj))
        if left := sum(policies.left_behind(obj).values()):
            text = ngettext(
                "%d job of its topics was submitted before, and stays in its queue.",
                "%d jobs of its topics were submitted before, and stay in their queues.",
                left,
            )
            self.message_user(request, text % left, messages.WARNING)

    def delete_model(self, request: HttpRequest, obj: Queue) -> None:
        """Remove it."""
        policies.remove([obj])

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Remove them."""
        policies.remove(queryset.filter(is_declared=False))

    def has_manage_permission(self, request: HttpRequest) -> bool:
        """Tell whether the user may suspend and resume queues."""
        return request.user.has_perm(MANAGE_QUEUE)

    @admin.action(description=_("Suspend selected queues"), permissions=["manage"])
    def suspend(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Bind nothing more of them, and take back what has not begun."""
        self._switch(request, queryset, suspended=True)

    @admin.action(description=_("Resume selected queues"), permissions=["manage"])
    def resume(self, request: HttpRequest, queryset: QuerySet[Queue]) -> None:
        """Bind their jobs again."""
        self._switch(request, queryset, suspended=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Queue], *, suspended: bool) -> None:
        chosen = list(queryset)
        self._tell(request, policies.suspend(chosen, suspended=suspended))
        done = _("suspended") if suspended else _("resumed")
        for queue in chosen:
            self.log_change(request, queue, str(done))
        names = ", ".join(queue.name for queue in chosen)
        self.message_user(request, f"{names}: {done}.", messages.SUCCESS)

    def _tell(self, request: HttpRequest, recalled: int) -> None:
        if recalled:
            text = ngettext(
                "%d unstarted job was taken back and waits.",
                "%d unstarted jobs were taken back and wait.",
                recalled,
            )
            self.message_user(request, text % recalled, messages.INFO)
