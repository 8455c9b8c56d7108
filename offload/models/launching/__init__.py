"""Tables of launchers: which workflows start for files that arrive, and which did."""

from __future__ import annotations
