"""Fixtures of this room's tests: an app with a broker in memory, real tables, and a known peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.test import override_settings

from offload.conf import peers
from offload.fleet import leadership
from tests.integration.fixtures import _app, alarms, app, broker, changes
from tests.integration.peers.messages import SETTING, SITE
from tests.integration.world import HERE, join

if TYPE_CHECKING:
    from collections.abc import Iterator

    from offload.core.peers.configuration import PeersConfig
    from offload.fleet.leadership import Term

__all__ = ["_app", "alarms", "app", "broker", "changes"]


@pytest.fixture(autouse=True)
def config(database_alias: str) -> Iterator[PeersConfig]:
    """Return the clusters that this one knows, as its settings name them."""
    said = {**settings.OFFLOAD, "DATABASE": database_alias, "CLUSTER": SITE, "PEERS": SETTING}
    with override_settings(OFFLOAD=said):
        yield peers()


@pytest.fixture
def term(config: PeersConfig) -> Term:
    """Return the term of the one instance here."""
    found = leadership.acquire(HERE, join(HERE, labels=["gpu"]))
    assert found is not None
    return found
