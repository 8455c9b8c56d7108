"""Records of changes: who made them, when and where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.apps import apps

from offload.models import ChangeRecord
from offload.signals import ChangeMade
from offload.tracking.state_changes import send_on_commit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Model

    from offload.operations.changes.actors import Actor
    from offload.operations.changes.change_outcomes import Outcome

#: Django's flag for a changed row, as in ``django.contrib.admin.models``.
CHANGE_FLAG = 2
#: Characters of the longest name that is kept whole.
ACTOR_MAX = 255


def record(by: Actor, outcome: Outcome) -> None:
    """Record a change; call it in the transaction of the change.

    It becomes a row for each thing that it is about, an entry in Django's admin log if the actor
    is a user, and an event.
    """
    rows = [
        ChangeRecord(
            actor=by.name[:ACTOR_MAX],
            entrance=by.entrance,
            action=outcome.action,
            kind=kind,
            subject=name,
            text=outcome.text,
        )
        for kind, name in outcome.about
    ]
    ChangeRecord.objects.bulk_create(rows)
    if by.user is not None:
        log_for(by.user.pk, outcome.rows, outcome.text)
    send_on_commit([_event(row) for row in rows])


def _event(row: ChangeRecord) -> ChangeMade:
    return ChangeMade(row.action, row.kind, row.subject, row.text, row.actor, row.entrance)


def log_for(user_id: Any, rows: Sequence[Model], message: str) -> None:
    """Write into Django's admin log that a user changed these rows."""
    # A site may have no admin, and so not its tables.
    if apps.is_installed("django.contrib.admin"):
        log: Any = apps.get_model("admin", "LogEntry")
        log.objects.log_actions(user_id, rows, CHANGE_FLAG, change_message=message)
