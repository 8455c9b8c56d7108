"""Bounds of numbers and times, in forms and in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import NON_FIELD_ERRORS
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

if TYPE_CHECKING:
    from django.core.exceptions import ValidationError

    from offload.core.validation.bounds import Bound


def within(bound: Bound) -> list[Any]:
    """Return the validators of a bound."""
    kind = int if bound.is_whole else float
    return [MinValueValidator(kind(bound.least)), MaxValueValidator(kind(bound.most))]


def keeps(field: str, bound: Bound, *, name: str, message: Any) -> models.CheckConstraint:
    """Return the constraint of a bound, which may also allow NULL."""
    kind = int if bound.is_whole else float
    limits = {f"{field}__gte": kind(bound.least), f"{field}__lte": kind(bound.most)}
    return models.CheckConstraint(name=name, condition=Q(**limits), violation_error_message=message)


def error_text(error: ValidationError) -> str:
    """Return the errors of a row's fields on one line."""
    return " ".join(
        f"{field}: {' '.join(map(str, errors))}" if field != NON_FIELD_ERRORS else " ".join(errors)
        for field, errors in error.message_dict.items()
    )
