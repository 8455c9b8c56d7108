"""Django's validation errors as one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import NON_FIELD_ERRORS

if TYPE_CHECKING:
    from django.core.exceptions import ValidationError


def told(error: ValidationError) -> str:
    """Return what is wrong with the fields of a row, on one line."""
    return " ".join(
        f"{field}: {' '.join(map(str, said))}" if field != NON_FIELD_ERRORS else " ".join(said)
        for field, said in error.message_dict.items()
    )
