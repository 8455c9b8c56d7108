"""The demo: photographs through a workflow at two sites, watched and verified."""

from __future__ import annotations
