"""Bounds of rules and switches, enforced on every database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator

from offload.core.exceptions import InvalidRule
from offload.fleet.snapshots import now
from offload.models import Rule
from offload.models.validation import error_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from offload.models import Switch

#: The refusal of an end that is over.
HAS_PASSED = "This has passed. Choose a later time, or leave it empty."

no_nul = ProhibitNullCharactersValidator()


def check(row: Rule | Switch, target: str) -> None:
    """Raise InvalidRule if the row is invalid."""
    check_texts(target, target, row.note)
    # The user may be in another database, and an existing row is no error.
    _clean(row, target, exclude={"created_by"})


def _clean(row: Rule | Switch, target: str, *, exclude: set[str]) -> None:
    try:
        row.clean_fields(exclude=exclude)
        row.clean()
    except ValidationError as error:
        raise InvalidRule(target=target, problem=error_text(error)) from error


def check_target(target: str, scope: str, patterns: Sequence[str]) -> None:
    """Raise InvalidRule if no rule can name these instances, or if there is no pattern."""
    check_texts(target, target)
    if not patterns:
        raise InvalidRule(target=target, problem="There is no pattern; write one, as 'dam/**'.")
    others = {one.name for one in Rule._meta.fields} - {"scope", "target"}
    row = Rule(scope=scope, target=target)
    _clean(row, target, exclude=others)


def check_end(until: datetime | None, target: str) -> None:
    """Raise InvalidRule if a rule with this end would be over already."""
    if until is not None and until <= now():
        raise InvalidRule(target=target, problem=HAS_PASSED)


def check_constraints(rule: Rule) -> None:
    """Raise InvalidRule if the same rule exists already."""
    try:
        rule.validate_constraints(exclude={"created_by"})
    except ValidationError as error:
        raise InvalidRule(target=rule.target, problem=error_text(error)) from error


def check_texts(target: str, *texts: str) -> None:
    """Raise InvalidRule if a text has characters that no database can compare."""
    try:
        for text in texts:
            no_nul(text)
    except ValidationError as error:
        raise InvalidRule(target=target, problem=" ".join(error.messages)) from error
