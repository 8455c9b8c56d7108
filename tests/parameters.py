"""Names of parameters that are the same in every process, as tests that are shared out need."""

from __future__ import annotations

import re


def without_addresses(one: object) -> str:
    """Return the repr of a parameter without its memory address."""
    return re.sub(r" at 0x\w+", "", repr(one))
