"""Settings taken from the machine they run on."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from pathlib import Path

ENGINES = {
    "postgres": "django.db.backends.postgresql",
    "postgresql": "django.db.backends.postgresql",
    "sqlite": "django.db.backends.sqlite3",
}

SQLITE_OPTIONS = {
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    # A transaction that reads first and writes later could not wait for its turn.
    "transaction_mode": "IMMEDIATE",
    "timeout": 30,
}


def required(name: str) -> str:
    """Return the environment variable `name`; raise ImproperlyConfigured without it."""
    value = os.environ.get(name, "")
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is not set. Set it and retry.")
    return value


def database(url: str) -> dict[str, Any]:
    """Return Django's settings for `postgresql://user:password@host:port/name` or `sqlite:///path`.

    Raise ImproperlyConfigured if the scheme is another one.
    """
    parts = urlsplit(url)
    if parts.scheme not in ENGINES:
        raise ImproperlyConfigured(
            f"The database URL begins with {parts.scheme!r}; use one of {', '.join(ENGINES)}."
        )
    if parts.scheme == "sqlite":
        return sqlite("/" + unquote(parts.path).lstrip("/"))
    return {
        "ENGINE": ENGINES[parts.scheme],
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": parts.port or "",
        "CONN_HEALTH_CHECKS": True,
    }


def sqlite(path: Path | str) -> dict[str, Any]:
    """Return Django's settings for the SQLite file at `path`."""
    return {"ENGINE": ENGINES["sqlite"], "NAME": str(path), "OPTIONS": dict(SQLITE_OPTIONS)}


def secret_key(path: Path) -> str:
    """Return the key kept in the file at `path`; make one, readable by its owner only, at first."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    if not path.exists():
        fresh.touch(mode=0o600)
        fresh.write_text(secrets.token_urlsafe(50), encoding="ascii")
        publish_once(fresh, path)
    return path.read_text(encoding="ascii")


def kept_address(path: Path, port: int) -> str:
    """Return the address that is in the file at `path`, or that of the port on this machine."""
    try:
        return path.read_text(encoding="ascii")
    except FileNotFoundError:
        return f"http://127.0.0.1:{port}"


def publish_once(fresh: Path, path: Path) -> None:
    """Give the file `fresh` the name `path` unless another process was faster."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
