"""JSON as people write it into forms."""

from __future__ import annotations

import json
from typing import Any

from django import forms


class Decoder(json.JSONDecoder):
    """A decoder to which what is nested too deep to be read is no JSON."""

    def decode(self, s: str, *where: Any) -> Any:
        """Return the value; raise JSONDecodeError if it cannot be read."""
        try:
            return super().decode(s, *where)
        except RecursionError as error:
            raise json.JSONDecodeError("It is nested too deep", s[:100], 0) from error


class JsonField(forms.JSONField):
    """A field whose form says so if its text is nested too deep."""

    def __init__(self, **options: Any) -> None:
        """Take the options of a field."""
        super().__init__(**{**options, "decoder": Decoder})
