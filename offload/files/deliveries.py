"""Orders for deliveries of outputs: frozen at submission, and noted as rows with the job's end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from django.core.exceptions import FieldDoesNotExist
from django.core.files.storage import InvalidStorageError, storages
from django.db import models

from offload.core.exceptions import InvalidDelivery
from offload.core.files.deliveries import (
    DELIVER_OPTION,
    ToField,
    ToStorage,
    check_folder,
    check_pattern,
    plan,
)
from offload.models import Delivery, PayloadFile

if TYPE_CHECKING:
    from offload.core.files.deliveries import Planned


def frozen(deliver_to: object) -> dict[str, Any]:
    """Return orders for deliveries as options of a job; empty if there are none.

    Raise InvalidName for a pattern that is no name, and InvalidDelivery for a place that does not
    exist.
    """
    if deliver_to is None:
        return {}
    if not isinstance(deliver_to, Mapping):
        problem = f"deliver_to is of type {type(deliver_to).__name__}, not a dict"
        raise InvalidDelivery(name="", problem=problem)
    orders = [
        {"name": check_pattern(name, target), "to": _frozen_target(name, target)}
        for name, target in deliver_to.items()
    ]
    return {DELIVER_OPTION: orders} if orders else {}


def _frozen_target(name: str, target: object) -> dict[str, str]:
    if isinstance(target, ToField):
        return _frozen_field(name, target)
    if isinstance(target, ToStorage):
        return _frozen_storage(name, target)
    problem = f"{type(target).__name__} is neither a ToField nor a ToStorage"
    raise InvalidDelivery(name=name, problem=problem)


def _frozen_field(name: str, target: ToField) -> dict[str, str]:
    found = target.object
    if not isinstance(found, models.Model) or found._state.adding or found.pk is None:
        raise InvalidDelivery(name=name, problem=f"{found!r:.100} is not a saved model object")
    meta = found._meta
    try:
        field = meta.get_field(target.field)
    except FieldDoesNotExist as error:
        problem = f"{meta.label} has no field {target.field!r:.100}"
        raise InvalidDelivery(name=name, problem=problem) from error
    if not isinstance(field, models.FileField):
        raise InvalidDelivery(name=name, problem=f"{field} is not a FileField")
    return {"model": meta.label_lower, "pk": str(found.pk), "field": field.name}


def _frozen_storage(name: str, target: ToStorage) -> dict[str, str]:
    folder = check_folder(name, target.folder)
    try:
        storages[target.alias]
    except (InvalidStorageError, TypeError) as error:
        problem = f"STORAGES has no alias {target.alias!r:.100} that can be used"
        raise InvalidDelivery(name=name, problem=problem) from error
    return {"storage": target.alias, "folder": folder}


def note(job_id: str, orders: object) -> None:
    """Note the deliveries of a job that succeeded as rows, in the transaction of its end.

    Rows that are there already stay as they are.
    """
    outputs = PayloadFile.objects.outputs().filter(job=job_id).order_by("name")
    names = list(outputs.values_list("name", flat=True))
    planned = enumerate(plan(job_id, orders, names))
    rows = [_row(job_id, number, one) for number, one in planned]
    Delivery.objects.bulk_create(rows, ignore_conflicts=True)


def _row(job_id: str, number: int, planned: Planned) -> Delivery:
    target: Any = dict(planned.target)
    row = Delivery(
        job_id=job_id,
        number=number,
        name=planned.name,
        target=target,
        location=planned.location,
        error=planned.problem,
    )
    if planned.problem:
        row.due_at = None
    return row
