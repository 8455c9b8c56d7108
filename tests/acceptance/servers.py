"""Databases and brokers for one run of the tests: created, and removed completely."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import psycopg
import redis
from kombu import Connection, Queue

from offload.embedded import EmbeddedBroker
from tests.databases import PRAGMAS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
RABBITMQ = os.environ.get("TEST_RABBITMQ_URL", "amqp://guest:guest@127.0.0.1:5672//")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379/0")

#: The requirements of each environment of the tests.
NEEDS = {
    "sqlite+valkey": (),
    "postgresql+rabbitmq": (POSTGRES, RABBITMQ),
    "postgresql+redis": (POSTGRES, REDIS),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where messages go, and the options of the transport that takes them there."""

    url: str
    options: dict[str, Any] = field(default_factory=dict)
    #: The server, where it is ours alone.
    own: EmbeddedBroker | None = None


def absent(environment: str) -> str:
    """Return which server of an environment does not listen, as a sentence; else nothing."""
    for url in NEEDS[environment]:
        parts = urlsplit(url)
        with socket.socket() as probe:
            probe.settimeout(2)
            if probe.connect_ex((parts.hostname, parts.port)):
                return f"No server listens at {parts.hostname}:{parts.port} for {environment}."
    return ""


@cache
def is_there(environment: str) -> bool:
    """Return whether the servers of an environment listen, as in CI they must."""
    return os.environ.get("CI") == "true" or not absent(environment)


@contextmanager
def sqlite(folder: Path, _: str) -> Iterator[dict[str, Any]]:
    """Provide a file."""
    yield {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(folder / "db.sqlite3"),
        "OPTIONS": {
            "init_command": PRAGMAS,
            "transaction_mode": "IMMEDIATE",
            "timeout": 30,
        },
    }


@contextmanager
def postgresql(_: Path, run: str) -> Iterator[dict[str, Any]]:
    """Provide a database on the server."""
    name = f"offload_{run}"
    with psycopg.connect(POSTGRES, autocommit=True) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        # As with the file.
        server.execute(f'ALTER DATABASE "{name}" SET synchronous_commit TO off')
        parts = urlsplit(POSTGRES)
        try:
            yield {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                "USER": parts.username or "",
                "PASSWORD": parts.password or "",
                "HOST": parts.hostname,
                "PORT": parts.port,
                "CONN_HEALTH_CHECKS": True,
            }
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def valkey(folder: Path, _: str) -> Iterator[Broker]:
    """Provide a server of our own."""
    with EmbeddedBroker(folder / "broker") as server:
        yield Broker(url=server.url, own=server)


@contextmanager
def shared_redis(_: Path, run: str) -> Iterator[Broker]:
    """Provide a prefix on the server."""
    prefix = f"{run}-"
    try:
        yield Broker(url=REDIS, options={"global_keyprefix": prefix})
    finally:
        with redis.Redis.from_url(REDIS) as client:
            keys = list(client.scan_iter(f"{prefix}*"))
            if keys:
                client.delete(*keys)


@contextmanager
def rabbitmq(_: Path, run: str) -> Iterator[Broker]:
    """Provide a virtual host, or queues of unlikely names where none can be made."""
    try:
        if _control("add_vhost", run):
            _control("set_permissions", "--vhost", run, "guest", ".*", ".*", ".*")
            parts = urlsplit(RABBITMQ)
            yield Broker(url=parts._replace(path=f"/{run}").geturl())
        else:
            yield Broker(url=RABBITMQ)
            _delete_queues(run)
    finally:
        _control("delete_vhost", run)


def _control(*arguments: str) -> bool:
    program = shutil.which("rabbitmqctl")
    if program is None:
        return False
    done = subprocess.run([program, "--quiet", *arguments], capture_output=True, check=False)
    return done.returncode == 0


def _delete_queues(run: str) -> None:
    """Delete the queues that instances of this run may have left."""
    with Connection(RABBITMQ) as connection:
        channel = connection.default_channel
        for name in [f"plain-{run}", *(f"offload.v1.{one}@{run}" for one in "abcdefgh")]:
            Queue(name).bind(channel).delete()


DATABASES = {"sqlite": sqlite, "postgresql": postgresql}
BROKERS = {"valkey": valkey, "redis": shared_redis, "rabbitmq": rabbitmq}


@contextmanager
def servers(environment: str, folder: Path, run: str) -> Iterator[tuple[dict[str, Any], Broker]]:
    """Provide the database's Django settings and the broker of an environment."""
    database, broker = environment.split("+")
    with DATABASES[database](folder, run) as given, BROKERS[broker](folder, run) as there:
        yield given, there


def variables(folder: Path, run: str, database: dict[str, Any], broker: Broker) -> dict[str, str]:
    """Return the environment variables from which the site's settings are made."""
    return {
        "DJANGO_SETTINGS_MODULE": "tests.acceptance.site.settings",
        "ACCEPTANCE_FOLDER": str(folder),
        "ACCEPTANCE_RUN": run,
        "ACCEPTANCE_DATABASE": json.dumps(database),
        "ACCEPTANCE_BROKER": broker.url,
        "ACCEPTANCE_BROKER_OPTIONS": json.dumps(broker.options),
    }
