"""``broker``: the embedded broker, in the foreground."""

from __future__ import annotations

import signal
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from django.core.management import CommandError
from kombu import Connection

from offload.embedded import BrokerWatch, EmbeddedBroker
from offload.management.arguments.words import written
from offload.management.verb import Options, Verb
from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Iterator

    from offload.management.terminal import Terminal

#: Seconds between two checks that the server still runs.
BROKER_POLL_SECONDS = 0.5


def arguments(parser: ArgumentParser) -> None:
    """Add the option for its data folder."""
    parser.add_argument(
        "--directory",
        type=lambda text: Path(written(text)),
        help="folder for its data (default: the one that CELERY_BROKER_URL names)",
    )


def run(terminal: Terminal, options: Options) -> None:
    """Run the broker until this process is told to end; restart it if it dies before."""
    broker = EmbeddedBroker(options["directory"] or directory_of(celery_app().conf.broker_url))
    with ending() as over:
        shared = broker.is_alive
        try:
            broker.start()
            announce(terminal, broker, shared=shared)
            watch = BrokerWatch(broker)
            while not over:
                if news := watch.look():
                    terminal.report({"message": news}, news)
                time.sleep(BROKER_POLL_SECONDS)
        finally:
            broker.stop()


def announce(terminal: Terminal, broker: EmbeddedBroker, *, shared: bool) -> None:
    """Print where it listens, without the password."""
    url = Connection(broker.url).as_uri()
    already = "ran there already and is shared" if shared else "runs"
    terminal.report(
        {"url": url, "directory": str(broker.directory), "shared": shared},
        f"The broker {already}: {url}. Ctrl-C ends this.",
    )
    if not terminal.as_json and celery_app().conf.broker_url != broker.url:
        terminal.show(
            "The site does not use it: its CELERY_BROKER_URL is another one. Write: "
            f"CELERY_BROKER_URL = EmbeddedBroker({str(broker.directory)!r}).url"
        )


def directory_of(url: str | None) -> Path:
    """Return the directory of the embedded broker at this address.

    Raise CommandError if the address does not name it.
    """
    parts = urlsplit(url or "")
    path = Path(unquote(parts.path))
    if parts.scheme == "redis+socket" and path.name == "valkey.sock":
        return path.parent
    raise CommandError(
        "CELERY_BROKER_URL does not name an embedded broker's socket. Start the broker it names, "
        "or say where the embedded one is to keep its data: --directory var/broker"
    )


@contextmanager
def ending() -> Iterator[list[int]]:
    """Catch Ctrl-C and SIGTERM during the block; yield the list of signals that came.

    A threading.Event would not do: the interrupted code may hold its lock.
    """
    over: list[int] = []
    former = {
        number: signal.signal(number, lambda number, _: over.append(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield over
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


BROKER = Verb(
    name="broker",
    help="run the embedded broker until Ctrl-C",
    arguments=arguments,
    run=run,
    tolerant=True,
)
