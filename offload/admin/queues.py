"""Queues in the admin: edited by people, and each change acts at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.forms.models import model_to_dict
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext_lazy as _

from offload.admin.base import JsonField, LinesField
from offload.admin.held_queues import QueueActions
from offload.browser import ages
from offload.models import Queue
from offload.models.change_records import SubjectKind
from offload.models.queueing.queue_validators import (
    validate_errors,
    validate_patterns,
    validate_windows,
)
from offload.operations.changes.queues import (
    AddQueue,
    ChangeQueue,
    RemoveQueue,
)
from offload.queues import policies
from offload.reading.cluster import known_names
from offload.templatetags.offload import broken

if TYPE_CHECKING:
    from collections.abc import Iterable

    from django.http import HttpRequest, HttpResponse

    from offload.operations.changes.change import Change
    from offload.operations.changes.change_outcomes import Outcome

    ModelForm = forms.ModelForm[Queue]
else:
    ModelForm = forms.ModelForm


def _json(name: str, label: Any, initial: Any) -> JsonField:
    """Return the field of a column of JSON."""
    column: Any = Queue._meta.get_field(name)
    return JsonField(label=label, required=False, initial=initial, help_text=column.help_text)


class QueueForm(ModelForm):
    """The form of a queue, with its patterns as lines."""

    topics = LinesField(
        check=validate_patterns,
        label=_("Topic patterns"),
        help_text=_("One a line: a/b exactly · a/* one more segment · a/** one or more · **"),
    )

    windows = LinesField(
        check=validate_windows,
        label=_("Windows of time"),
        required=False,
        help_text=_(
            "When it runs, one a line: mon-fri 22:00-06:00 · sat,sun 00:00-24:00 · 12:00-13:00. "
            "Empty: always."
        ),
    )

    retry_on = LinesField(
        check=validate_errors,
        label=_("Retry on"),
        required=False,
        help_text=_("Only these exceptions are retried, one a line: ConnectionError. Empty: all."),
    )
    no_retry_on = LinesField(
        check=validate_errors,
        label=_("No retry on"),
        required=False,
        help_text=_("These exceptions are never retried, one a line."),
    )

    #: Without the hidden copy that Django adds for a default that is made anew.
    requires = _json("requires", _("Requires"), dict)
    prefers = _json("prefers", _("Prefers"), list)
    retry_with = _json("retry_with", _("Retry with"), dict)
    resources = _json("resources", _("Resources"), dict)
    weights = _json("weights", _("Weights"), dict)

    class Meta:
        """The fields that people edit."""

        model = Queue
        fields = (
            "name", "topics", "ranking", "type", "max_parallel", "max_per_instance",
            "max_per_host", "key",
            "max_per_key", "fair", "weights", "rate", "burst", "windows", "time_zone", "ageing",
            "cluster_order", "requires", "prefers", "retry_with", "leader_only",
            "prefer_creation_instance", "resources",
            "retries", "retry_delay", "backoff", "retry_on", "no_retry_on", "rerun",
            "rescue", "rescue_seconds",
            "retention_days", "suspended", "note",
        )  # fmt: skip

    def clean_requires(self) -> dict[str, Any]:
        """Return the requirements; an empty field asks for nothing."""
        return self.cleaned_data["requires"] or {}

    def clean_prefers(self) -> Any:
        """Return the preferences; an empty field has none."""
        return self.cleaned_data["prefers"] or []

    def clean_retry_with(self) -> Any:
        """Return the factors; an empty field raises nothing."""
        return self.cleaned_data["retry_with"] or {}

    def clean_resources(self) -> Any:
        """Return the amounts of resources; an empty field uses none."""
        return self.cleaned_data["resources"] or {}

    def clean_weights(self) -> Any:
        """Return the weights; an empty field gives each key the same."""
        return self.cleaned_data["weights"] or {}


@admin.register(Queue)
class QueueAdmin(QueueActions):
    """Policies for sets of topics."""

    form = QueueForm
    list_display = (
        "name", "patterns", "held", "type", "max_parallel", "key", "max_per_key", "retries",
        "ranking", "made_by",
    )  # fmt: skip
    list_filter = ("suspended", "type", "cluster_order")
    search_fields = ("name",)
    change_list_template = "offload/queue_list.html"

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Return the list; above it, show the settings for the queue ``default`` if it has no row.

        Without a row, its jobs follow the settings.
        """
        missing = not known_names.has_row(policies.DEFAULT_QUEUE)
        default = policies.default_row() if missing else None
        return super().changelist_view(request, {**(extra_context or {}), "default": default})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Return the initial values of a new queue: for one named ``default``, the settings."""
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
        """Return whether the queue is suspended, and why."""
        if not queue.suspended and not queue.drains:
            return ages.NOTHING
        word = _("suspended") if queue.suspended else _("drains")
        shown = '<span class="ob-warn"><span aria-hidden="true">■</span> {}</span> {}'
        return format_html(shown, word, " ".join(filter(None, (queue.held_by, queue.note))))

    @admin.display(description=_("managed by"))
    def made_by(self, queue: Queue) -> str:
        """Return whether the settings declare it."""
        return str(_("the settings") if queue.is_declared else _("people"))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        """Return the name of an existing queue, and every field that the settings give.

        The name is fixed because jobs refer to a queue by it.
        """
        if obj is None or not obj.is_declared:
            return ("name",) if obj else ()
        return tuple(one for one in self.form.Meta.fields if one not in policies.SWITCH_FIELDS)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse to delete a queue that the settings declare: it would come back."""
        is_declared = obj is not None and obj.is_declared
        return not is_declared and super().has_delete_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        """Make the queue, or change what the form changed of it."""
        if change and not form.changed_data:
            return
        given = {name: value for name, value in form.cleaned_data.items() if name != "name"}
        if change:
            fields = {name: given[name] for name in form.changed_data}
            self.carry_out(request, ChangeQueue(name=obj.name, fields=fields))
            return
        topics = tuple(given.pop("topics"))
        outcome = self.carry_out(request, AddQueue(name=obj.name, topics=topics, fields=given))
        obj.pk = outcome.queue.pk

    def subject(self, row: Queue) -> tuple[str, str]:
        """Return the queue."""
        return SubjectKind.QUEUE, row.name

    def removal(self, rows: list[Queue]) -> Iterable[Change[Outcome]]:
        """Return the changes that remove queues, except those that the settings declare."""
        return [RemoveQueue(name=row.name) for row in rows if not row.is_declared]
