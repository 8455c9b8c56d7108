"""The base of offload's managers, which use the database that the settings name."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

from offload.db.database import alias

ModelT = TypeVar("ModelT", bound=models.Model, covariant=True)


class OffloadManager(models.Manager[ModelT]):
    """A manager whose queries all name the database."""

    def get_queryset(self) -> models.QuerySet[ModelT]:
        """Return all rows, on offload's database unless another was asked for."""
        return super().get_queryset().using(self._db or alias())
