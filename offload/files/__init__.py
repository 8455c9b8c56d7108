"""Files of jobs: inputs, outputs, and their removal."""

from __future__ import annotations

__all__ = [
    "collection",
    "deletion",
    "deliveries",
    "delivering",
    "descendants",
    "given_files",
    "inputs",
    "media_types",
    "outputs",
    "payloads",
    "retention",
    "scratch",
    "storing",
    "transfers",
    "transports",
    "verification",
]
