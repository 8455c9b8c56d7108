"""Values of rows as plain JSON, which a message holds."""

from __future__ import annotations

import json
from typing import Any

from kombu.utils.json import dumps


def plain(value: Any) -> Any:
    """Return a value as JSON has it, in the encoding of the rows."""
    return json.loads(dumps(value))
