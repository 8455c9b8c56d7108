"""Bounds of rules and switches; whatever exceeds them is refused, on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator

from offload.core.exceptions import InvalidRule
from offload.models.refusals import told

if TYPE_CHECKING:
    from offload.models import Rule, Switch

no_nul = ProhibitNullCharactersValidator()


def check(row: Rule | Switch, target: str) -> None:
    """Raise InvalidRule for a row that cannot be as it is."""
    check_texts(target, target, row.note)
    try:
        # Who made it may be in another database; that it is there already is no fault.
        row.clean_fields(exclude={"created_by"})
        row.clean()
    except ValidationError as error:
        raise InvalidRule(target=target, problem=told(error)) from error


def check_texts(target: str, *texts: str) -> None:
    """Raise InvalidRule where a text holds what no database can compare it with."""
    try:
        for text in texts:
            no_nul(text)
    except ValidationError as error:
        raise InvalidRule(target=target, problem=" ".join(error.messages)) from error
