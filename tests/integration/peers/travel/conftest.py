"""Fixtures of jobs that travel."""

from __future__ import annotations

import pytest

from tests.integration.fixtures import _app, app, broker, changes
from tests.integration.peers.travel.clusters import Cluster, Link


@pytest.fixture
def link(database_alias: str, beside: str) -> Link:
    """Return the link between two clusters: home, and a peer with one instance."""
    link = Link(
        home=Cluster("site", beside, "render"), peer=Cluster("render", database_alias, "site")
    )
    link.introduce()
    return link


__all__ = ["_app", "app", "broker", "changes", "link"]
