"""Rows with odd values: in each column anything that the database accepts."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db import Error, models
from django.db.models import Value
from django.db.models.functions import Cast
from django.utils import timezone

from offload.admin.change_history import HistoryAdmin
from offload.core.states import JobState
from offload.db import database
from offload.models import (
    AnsweredRequest,
    Attempt,
    AttemptLog,
    ChangeRecord,
    ClosedBinding,
    Delivery,
    Dependency,
    DyingFile,
    Exclusion,
    FileTransfer,
    Instance,
    Job,
    Join,
    KeptFile,
    Launch,
    Launcher,
    LauncherSwitch,
    Lease,
    LinkSwitch,
    News,
    Payload,
    PayloadFile,
    Peer,
    PeerRefusal,
    PeerRequest,
    PlacementRecord,
    Queue,
    RateBucket,
    Reservation,
    Resource,
    ResourceUser,
    Rule,
    Run,
    SeenMessage,
    Slot,
    StepWait,
    Switch,
    Version,
    WithdrawnBinding,
)
from offload.models.change_records import SubjectKind
from offload.models.fields import JsonText
from tests.arranging import arrange_new
from tests.integration.across.odd_values import FLOATS, JSONS, LONG, NUMBERS, TEXTS, TIMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PAST = timezone.now()
KINDS = (
    (JsonText, models.JSONField),
    (models.CharField, models.TextField),
    (models.DateTimeField,),
    (models.FloatField,),
    (models.IntegerField,),
)
PLAIN = (models.BooleanField, models.AutoField)
#: Columns that identify a row of its model.
KEYS: Any = dict.fromkeys((WithdrawnBinding, News, ClosedBinding, ResourceUser), "job_id")
KEYS |= {SeenMessage: "nonce", Exclusion: "incarnation", Dependency: "needs", KeptFile: "sha256"}
KEYS |= {FileTransfer: "name", LinkSwitch: "peer", PeerRequest: "key", AnsweredRequest: "key"}
KEYS |= {StepWait: "step", Launcher: "name", Launch: "sha256", Resource: "name"}
NUMBERED: Any = dict.fromkeys((Attempt, AttemptLog, PayloadFile, PlacementRecord), "epoch")
#: The errors of databases and drivers for values that they do not accept.
REFUSALS = (Error, ValueError, OverflowError, RecursionError)


def facts() -> list[tuple[type[models.Model], dict[str, Any]]]:
    """Return models with what a row of each needs."""
    ended = {"state": JobState.GIVEN_UP, "finished_at": PAST, "started_at": PAST}
    runs = {"state": JobState.ACTIVE, "instance": "odd@host", "epoch": 2, "started_at": PAST}
    job = {"topic": "odd/topic", "lane": "default||odd/topic"}
    return [
        (Run, {"workflow": "odd/flow"}),
        (StepWait, {"run_id": "plain", "kind": "event"}),
        (Payload, {"storage": "default"}),
        (Job, {**job}),
        (Job, {**job, **ended, "epoch": 2}),
        (Job, {**job, **runs, "progress": {"current": 1}}),
        (Attempt, {"job_id": "plain", "incarnation": "i", "instance": "a", "cause": "failed"}),
        (AttemptLog, {"job_id": "plain", "count": 1, "lines": [[0, "INFO", "a"]]}),
        (PlacementRecord, {"job_id": "plain", "instance": "a", "text": "because"}),
        (Exclusion, {"job_id": "plain", "incarnation": "i", "reason": "no", "until": PAST}),
        (Delivery, {"job_id": "plain", "name": "a"}),
        (DyingFile, {"storage": "default", "location": "a"}),
        (FileTransfer, {"job_id": "plain", "peer": "odd", "epoch": 1, "size": 1}),
        (KeptFile, {"storage": "default", "location": "a", "peer": "odd", "size": 1}),
        (PayloadFile, {"payload_id": "plain", "job_id": "plain", "name": "a", "size": 1}),
        (Join, {"body": {}, "tree": []}),
        (Dependency, {"join_id": "plain", "needs": "plain"}),
        (Lease, {"holder": "odd@host", "incarnation": "i", "term": 1, "expires_at": PAST}),
        (Version, {"number": 1}), (Slot, {}), (Resource, {"capacity": 1}),
        (Reservation, {"places": 2}), (RateBucket, {"level": 1.0, "at": PAST}),
        (ResourceUser, {"resource": "maya", "epoch": 1, "amount": 1}),
        (Peer, {"own_name": "site"}),
        (PeerRefusal, {"kind": "old"}), (SeenMessage, {"peer": "odd"}),
        (WithdrawnBinding, {"peer": "odd", "epoch": 1, "stops_runs": True, "is_forced": False}),
        *((one, {"home": "odd", "epoch": 1}) for one in (News, ClosedBinding)),
        (PeerRequest, {"peer": "odd", "action": "off", "by": "odd", "expires_at": PAST}),
        (AnsweredRequest, {"home": "odd", "number": 1}),
        (Queue, {"topics": ["odd/**"]}),
        (Rule, {"verb": "deny", "target": "odd@host", "pattern": "odd/never"}),
        (Switch, {}),
        (Launcher, {"pattern": "odd/**", "workflow": "odd/flow"}),
        (LauncherSwitch, {}),
        (Launch, {"launcher": "odd", "path": "odd/a"}),
        (LinkSwitch, {"switch": "send", "is_on": True}),
        (
            ChangeRecord,
            {
                "actor": "odd", "entrance": "terminal", "action": "deny", "kind": "instance",
                "subject": "odd@host", "text": "odd",
            },
        ),
        (
            Instance,
            {
                "incarnation": "i", "cluster": "c", "mode": "ready", "joined": 1, "host": "h",
                "boot_id": "b", "pid": 1, "concurrency": 1, "window": 2, "protocol": 1,
                "consumers": [{"pattern": "odd/**", "task": "odd.task"}],
            },
        ),
    ]  # fmt: skip


def make() -> list[models.Model]:
    """Store everything odd that the database takes; return a row for each."""
    plain = {"topic": "odd/topic", "lane": "default||odd/topic", "id": "plain"}
    arrange_new(**plain, state=JobState.SUCCEEDED, finished_at=PAST, epoch=1)
    Join.objects.create(**dict[str, Any](id="plain", body={}, tree=[]))
    Payload.objects.create(id="plain", storage="default")
    Run.objects.create(id="plain", workflow="odd/flow")
    made = [row for model, given in facts() for row in _rows(model, given)]
    assert {type(row) for row in made} == {model for model, _ in facts()}
    for row in made:
        _record(row)
    return made


def _record(row: models.Model) -> None:
    """Record odd changes of a row whose page shows its changes."""
    shown = admin.site._registry[type(row)]
    if not isinstance(shown, HistoryAdmin):
        return
    row.refresh_from_db(
        fields=[one.name for one in row._meta.fields if isinstance(one, models.CharField)]
    )
    kind, name = shown.subject(row)
    if kind not in set(SubjectKind):
        return
    ChangeRecord.objects.bulk_create(
        ChangeRecord(
            actor=text[:255], entrance=text[:8], action=text[:16], kind=kind, subject=name,
            text=text,
        )
        for text in TEXTS
    )  # fmt: skip


def _rows(model: type[models.Model], given: dict[str, Any]) -> Iterator[models.Model]:
    """Yield a row for each odd value, which stands in all columns of its kind that take it."""
    fields = [one for one in model._meta.fields if not (one.is_relation or isinstance(one, PLAIN))]
    for number in range(len(JSONS)):
        for kind in KINDS:
            mine = [one for one in fields if isinstance(one, kind) and number < len(odd(one))]
            changes = {one.name: odd(one)[number] for one in mine if not one.primary_key}
            row = _row(model, given, changes, f"{kind[0].__name__}-{number}") if changes else None
            if row is not None:
                yield row
    key = model._meta.pk
    for number, value in enumerate(odd(key) if key in fields else ()):
        row = _row(model, {**given, key.name: value or "empty"}, {}, f"key-{number}")
        if row is not None:
            yield row


def odd(field: models.Field[Any, Any]) -> Sequence[Any]:
    """Return odd values for a field."""
    if isinstance(field, JsonText | models.JSONField):
        return [_raw(field, text) for text in JSONS]
    if isinstance(field, models.CharField | models.TextField):
        length = field.max_length or len(LONG)
        return [text[:length] for text in TEXTS]
    if isinstance(field, models.DateTimeField):
        return [*TIMES, None]
    return FLOATS if isinstance(field, models.FloatField) else NUMBERS


def _raw(field: models.Field[Any, Any], text: str) -> Any:
    """Return a text as it stands in the column, whether it is JSON or not."""
    if isinstance(field, JsonText) or database.vendor() == "sqlite":
        return Value(text, output_field=models.TextField())
    return Cast(Value(text, output_field=models.TextField()), models.JSONField())


def _row(
    model: type[models.Model], given: dict[str, Any], changes: dict[str, Any], key: str
) -> models.Model | None:
    """Store a row, and put in what the database takes of the changes; None where it takes none."""
    facts = {**_named(model, f"{key}-{len(given)}"), **given}
    manager: Any = model._default_manager
    try:
        with database.atomic():
            row = manager.create(**facts)
    except REFUSALS:
        return None
    taken = [_change(manager, row, {name: value}) for name, value in changes.items()]
    return row if any(taken) or not changes else None


def _change(manager: Any, row: models.Model, change: dict[str, Any]) -> bool:
    with suppress(*REFUSALS), database.atomic():
        return bool(manager.filter(pk=row.pk).update(**change))
    return False


def _named(model: type[models.Model], key: str) -> dict[str, Any]:
    """Return the facts that identify this row among those of its model."""
    if model is Queue:
        return {"name": key.replace("_", "-")}
    if name := KEYS.get(model):
        return {name: key[:32]}
    if model in {ChangeRecord, DyingFile, PeerRefusal, Reservation}:
        return {}
    if name := "number" if model is Delivery else NUMBERED.get(model):
        return {name: _count(model) + 2}
    if model is Rule:
        return {"note": key, "pattern": f"odd/{_count(model)}"}
    return {model._meta.pk.name: key[: model._meta.pk.max_length or 255]}


def _count(model: type[models.Model]) -> int:
    return int(model._default_manager.count())
