"""Columns of numbers and times that are bounded, in forms and in the database alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from offload.core.validation.bounds import Bound


def within(bound: Bound) -> list[Any]:
    """Return validators that say which numbers fit."""
    kind = int if bound.is_whole else float
    return [MinValueValidator(kind(bound.least)), MaxValueValidator(kind(bound.most))]


def keeps(field: str, bound: Bound, *, name: str, told: Any) -> models.CheckConstraint:
    """Return the constraint that refuses what does not fit, and no number at all where allowed."""
    kind = int if bound.is_whole else float
    limits = {f"{field}__gte": kind(bound.least), f"{field}__lte": kind(bound.most)}
    return models.CheckConstraint(name=name, condition=Q(**limits), violation_error_message=told)
