"""Two sites that share a broker and nothing else: each has its database, files and SECRET_KEY."""

from __future__ import annotations

import json
import secrets
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tests.acceptance.fleet import Fleet
from tests.acceptance.peers.cable import Cable, cable
from tests.acceptance.peers.web import Web, address, free_port
from tests.acceptance.place import Place, make_tables, visited
from tests.acceptance.servers import DATABASES, Broker, servers, variables
from tests.integration.files.transports.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from celery import Celery

#: The id of the key that both know.
KEY_ID = "2026"


@dataclass(frozen=True, slots=True)
class Cluster:
    """One of the two sites, and its workers."""

    name: str
    place: Place
    fleet: Fleet

    @contextmanager
    def visited(self, **extra: str) -> Iterator[Celery]:
        """Make this process a client of the site."""
        with visited(self.place, **extra) as app:
            yield app


@dataclass(frozen=True, slots=True)
class Pair:
    """Two clusters that know each other, their broker, and the secret of both."""

    site: Cluster
    render: Cluster
    broker: Broker
    secret: str
    #: The web server of the first; it serves if the test has started it.
    web: Web
    #: Between each of the two and what both send each other, in that order, if there are any.
    cables: tuple[Cable, ...] = ()
    #: Between the second one and that web server, if there is one.
    proxy: Proxy | None = None


@contextmanager
def pair(
    folder: Path,
    *,
    database: str = "sqlite",
    cables: bool = False,
    namesakes: bool = False,
    proxied: bool = False,
    transports: tuple[str, ...] = ("inline", "http"),
    settings: dict[str, Any] | None = None,
    may_rule: bool = False,
) -> Iterator[Pair]:
    """Make two clusters with one broker.

    ``database`` is that of the second one. With ``cables`` each has one of its own to the queues
    between them; with ``proxied`` it reaches the web server through a proxy. ``namesakes`` gives
    the workers of both the same nodenames. ``transports`` are those of files, and ``settings`` are
    for both. With ``may_rule`` the second lets the first rule.
    """
    port = free_port()
    given = {"TRANSPORTS": {"*": transports}, "MIN_FREE": 0, **(settings or {})}
    run, secret = f"t{secrets.token_hex(4)}", secrets.token_urlsafe(32)
    with ExitStack() as stack:
        own, broker = stack.enter_context(servers("sqlite+valkey", folder, run))
        other = stack.enter_context(DATABASES[database](_made(folder / "render"), run))
        laid = tuple(stack.enter_context(cable(broker)) for _ in range(2 * cables))
        names = (f"site-{run}", f"render-{run}")
        options = {"KEY": {KEY_ID: secret}, "SEND": ["**"], "ACCEPT": ["**"]}
        said = [{**options, "BROKER": one.url} for one in laid] or [options, options]
        proxy = Proxy(port) if proxied else None
        url = address(proxy.port if proxy else port)
        there = {**said[1], "URL": url, "MAY_RULE": may_rule}
        first = _cluster(names, folder, own, broker, said[0], given)
        second = _cluster(names[::-1], folder / "render", other, broker, there, given)
        if namesakes:
            second = _like(first, second)
        web = Web(first.place, port)
        try:
            yield Pair(first, second, broker, secret, web, laid, proxy)
        finally:
            if proxy is not None:
                proxy.close()
            web.kill()
            first.fleet.end()
            second.fleet.end()


def _like(first: Cluster, second: Cluster) -> Cluster:
    """Return the second cluster with the nodenames of the first one's workers."""
    place = replace(second.place, run=first.place.run)
    return replace(second, place=place, fleet=Fleet(place))


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _cluster(
    names: tuple[str, ...],
    folder: Path,
    database: dict[str, Any],
    broker: Broker,
    options: dict[str, Any],
    settings: dict[str, Any],
) -> Cluster:
    own, other = names
    uploads = str(folder / "uploads")
    said = {"CLUSTER": own, "PEERS": {other: options}, "UPLOADS": uploads, **settings}
    place = Place(
        environment="sqlite+valkey",
        run=own,
        folder=folder,
        database=database,
        # Only who made the broker stops it.
        broker=replace(broker, own=None),
        variables={
            **variables(folder, own, database, broker),
            "ACCEPTANCE_OFFLOAD": json.dumps(said),
            "ACCEPTANCE_SECRET": secrets.token_urlsafe(32),
        },
    )
    make_tables(place)
    return Cluster(own, place, Fleet(place))
