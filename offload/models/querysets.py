"""The base of offload's querysets: on the database the settings name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.db import models

from offload.models.database import alias

if TYPE_CHECKING:
    from django.db.models.manager import Manager

ModelT = TypeVar("ModelT", bound=models.Model, covariant=True)


class OffloadQuerySet(models.QuerySet[ModelT]):
    """A queryset whose manager starts on offload's database."""

    @classmethod
    def as_manager(cls) -> Manager[Any]:
        """Return a manager whose every query names the database."""
        base = models.Manager.from_queryset(cls)

        class OffloadManager(base):  # type: ignore[misc, valid-type]
            """A manager on offload's database."""

            def get_queryset(self) -> Any:
                return super().get_queryset().using(self._db or alias())

        manager: Manager[Any] = OffloadManager()
        manager._built_with_asmanager = True  # type: ignore[attr-defined]
        return manager

