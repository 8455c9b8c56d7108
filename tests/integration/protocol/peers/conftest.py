"""Fixtures of the replay between two clusters."""

from __future__ import annotations

from tests.integration.peers.travel.conftest import link

__all__ = ["link"]
