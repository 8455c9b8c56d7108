"""The demo: photographs through a workflow on three workers, watched and verified."""

from __future__ import annotations
