"""The cluster now: instances, topics, queues and recent failures."""

from __future__ import annotations

__all__ = [
    "announced",
    "cells",
    "counts",
    "facts",
    "failures",
    "instance_page",
    "instance_rows",
    "known_names",
    "lines",
    "lost_instances",
    "matrix_columns",
    "members",
    "queues",
    "remote_page",
    "resources",
    "rule_ages",
]
