"""JSON that every program can read, whatever a job's row contains."""

from __future__ import annotations

import json
import math
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from offload.core.texts import as_text

#: Deepest nesting that is written.
ENCODED_DEPTH_MAX = 100


class Encoder(DjangoJSONEncoder):
    """Django's encoder, and text for what it does not know, such as bytes."""

    def default(self, o: Any) -> Any:
        """Return the JSON form of a value that JSON does not have."""
        try:
            return super().default(o)
        except (TypeError, ValueError):
            return as_text(o)


def as_json(value: object, **how: Any) -> str:
    """Return a value as strict JSON: a number that is not finite is null."""
    try:
        return json.dumps(value, cls=Encoder, allow_nan=False, **how)
    except (RecursionError, ValueError):
        return json.dumps(_plain(value, 0), cls=Encoder, allow_nan=False, **how)


def _plain(value: Any, depth: int) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if not isinstance(value, dict | list | tuple):
        return value
    if depth == ENCODED_DEPTH_MAX:
        return "… nested more deeply"
    if isinstance(value, dict):
        return {str(key): _plain(inner, depth + 1) for key, inner in value.items()}
    return [_plain(inner, depth + 1) for inner in value]
