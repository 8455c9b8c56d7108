"""Launchers as values: which workflows start for a file that arrived, and why not the others."""

from __future__ import annotations
