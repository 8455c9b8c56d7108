"""Places that deliveries go to: how a file is put there, so that doing it twice is harmless."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from django.apps import apps
from django.core.exceptions import ObjectDoesNotExist
from django.db import models, router

from offload.core.files.deliveries import field_name
from offload.files.transports.staging import digest
from offload.models import stores

if TYPE_CHECKING:
    from django.core.files.storage import Storage

    from offload.models import Delivery


class CannotDeliver(Exception):
    """A delivery cannot be made, and no further try would change that."""


class Target(Protocol):
    """A place that a delivery goes to."""

    @property
    def storage(self) -> Storage:
        """Return the storage that keeps the file."""

    def location(self, delivery: Delivery) -> str:
        """Return where the file is to be in the storage; no other delivery goes there."""

    def accept(self, location: str) -> None:
        """Make the file known, now that it is there."""


class StorageTarget:
    """A folder of a storage."""

    def __init__(self, to: dict[str, Any]) -> None:
        """Take a frozen target."""
        self.storage = stores.storage(to["storage"])

    def location(self, delivery: Delivery) -> str:
        """Return the location that was planned with the job's end."""
        return delivery.location

    def accept(self, location: str) -> None:
        """Do nothing more."""


class FieldTarget:
    """A FileField of an object; raise CannotDeliver if the object is deleted."""

    def __init__(self, to: dict[str, Any]) -> None:
        """Take a frozen target, and read the object."""
        model = apps.get_model(to["model"])
        self.field: Any = model._meta.get_field(to["field"])
        self.storage: Storage = self.field.storage
        self.database = router.db_for_write(model)
        try:
            self.object = model._base_manager.using(self.database).get(pk=to["pk"])
        except ObjectDoesNotExist as error:
            raise CannotDeliver(f"{to['model']} {to['pk']} is deleted") from error

    def location(self, delivery: Delivery) -> str:
        """Return the field's location for a name that only this delivery has."""
        name = field_name(delivery.job_id, delivery.number, delivery.name)
        found: str = self.field.generate_filename(self.object, name)
        if len(found) > self.field.max_length:
            most = f"{self.field} takes {self.field.max_length}"
            raise CannotDeliver(f"the file's location has {len(found)} characters, {most}")
        return found

    def accept(self, location: str) -> None:
        """Save the object's field, and the size of an image beside it."""
        names, field = [self.field.name], self.field
        setattr(self.object, field.name, location)
        if issubclass(type(field), models.ImageField):
            field.update_dimension_fields(self.object, force=True)
            names += [one for one in (field.width_field, field.height_field) if one]
        self.object.save(using=self.database, update_fields=names)


def target_of(to: dict[str, Any]) -> Target:
    """Return the place of a frozen target."""
    return StorageTarget(to) if "storage" in to else FieldTarget(to)


def storage_of(to: dict[str, Any]) -> Storage:
    """Return the storage of a frozen target, whether its object exists or not."""
    if "storage" in to:
        return stores.storage(to["storage"])
    field: Any = apps.get_model(to["model"])._meta.get_field(to["field"])
    found: Storage = field.storage
    return found


def holds(storage: Storage, location: str, sha256: str) -> bool:
    """Tell whether the storage has a file of that SHA-256 there."""
    if not storage.exists(location):
        return False
    with storage.open(location, "rb") as file:
        return digest(file) == sha256
