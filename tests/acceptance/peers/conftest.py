"""Two clusters of real workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.acceptance.peers.clusters import Pair, pair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_django.plugin import DjangoDbBlocker


@pytest.fixture(scope="module")
def clusters(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Pair]:
    """Return two clusters, each with one worker that takes work."""
    with django_db_blocker.unblock(), pair(tmp_path_factory.mktemp("pair")) as found:
        for one in (found.site, found.render):
            with one.visited():
                one.fleet.need("a")
        yield found
