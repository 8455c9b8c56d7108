"""Names of parameters that are the same in every process, as tests that are shared out need."""

from __future__ import annotations

import re


def without_addresses(one: object) -> str:
    """Return what a parameter looks like, without where it lies in memory."""
    return re.sub(r" at 0x\w+", "", repr(one))
