"""The broker: whether it can be reached."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from kombu.exceptions import KombuError

from offload.core.exceptions import BrokerUnreachable, ConfigurationError
from offload.diagnostics.finding import Finding, fail, is_refusal, ok
from offload.messaging.installation import celery_app
from offload.messaging.timeouts import within

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kombu import Connection

SUBJECT = "broker"

#: Seconds for an answer.
CONNECT_TIMEOUT_SECONDS = 4

START_EMBEDDED = "Start it: manage.py offload broker"
START_BROKER = "Start it, or correct CELERY_BROKER_URL."
START_EITHER = f"{START_BROKER} The embedded one is started by: manage.py offload broker"
CORRECT_ADDRESS = (
    "Correct CELERY_BROKER_URL: its user, its password, or what follows the last slash."
)
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")


def examine() -> Iterator[Finding]:
    """Yield whether the broker answers."""
    try:
        url = reach()
    except ConfigurationError:
        yield fail(SUBJECT, "The broker is unknown.", "Install a Celery app first.")
    except BrokerUnreachable as error:
        yield fail(SUBJECT, error.fact, CORRECT_ADDRESS if error.is_refused else remedy(error.url))
    else:
        yield ok(SUBJECT, f"{url} answers.")


def remedy(url: str) -> str:
    """Return the next step if the broker at this address does not answer."""
    parts = urlsplit(url)
    if parts.scheme == "redis+socket":
        return START_EMBEDDED
    return START_EITHER if parts.hostname in LOOPBACK_HOSTS else START_BROKER


def reach() -> str:
    """Log in to the broker and return its address, without a password.

    Raise BrokerUnreachable if that fails, or takes too long.
    """
    with celery_app().connection_for_write(connect_timeout=CONNECT_TIMEOUT_SECONDS) as connection:
        url = str(connection.as_uri())
        errors: Any = (*connection.connection_errors, *connection.channel_errors)
        try:
            within(CONNECT_TIMEOUT_SECONDS, lambda: _connect(connection))
        except (KombuError, OSError, *errors) as error:
            cause = error.__cause__ or error
            problem = (str(cause) or type(cause).__name__).rstrip(".")
            refused = is_refusal(cause)
            raise BrokerUnreachable(url=url, problem=problem, is_refused=refused) from error
        return url


def _connect(connection: Connection) -> None:
    connection.ensure_connection(max_retries=1, interval_start=0, timeout=CONNECT_TIMEOUT_SECONDS)
