"""The sample site as it runs: a broker, the author's pages, and workers that are not alike."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings
from django.core.management import call_command

from offload.core.placement.topology import Mode
from offload.embedded import BrokerWatch, EmbeddedBroker
from offload.models import Instance, Rule, Switch
from offload.rules import editing
from project.claim import claimed
from project.fleet import Fleet, StopRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

#: The topics of each worker. All run the same code; rules make the difference.
WORKERS = {
    "author@demo": ("dam/manifest",),
    "thumbs@demo": ("dam/rendition/thumbnail",),
    "web@demo": ("dam/rendition/web", "dam/metadata"),
}

#: Jobs that a worker runs at once.
CONCURRENCY = 2

#: The port the site prefers.
PORT = 8000

#: Seconds until site and workers must be there.
START_TIMEOUT_SECONDS = 60.0

#: Seconds between two looks.
POLL_SECONDS = 0.1


class NotReady(Exception):
    """Something did not start in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """The running site."""

    fleet: Fleet
    url: str
    #: Of the embedded broker, where the site has no other.
    broker: BrokerWatch | None = None

    def revive(self) -> Iterator[str]:
        """Start again what has ended, as a service manager would; yield what there is to tell.

        Raise ProgramEnded for a program that ended soon after its start.
        """
        if self.broker and (told := self.broker.look()):
            yield told
        for name, code in self.fleet.revive().items():
            yield f"{name} ended with code {code} and is started again."


@contextmanager
def running(
    environment: Mapping[str, str], stop: StopRequest, *, afresh: bool = False
) -> Iterator[Site]:
    """Run broker, pages and workers for the block, with these variables on top of ours.

    What an operator has changed about the workers' rules stays, unless they begin `afresh`.
    Raise FolderInUse if they run already.
    """
    with ExitStack() as stack:
        stack.enter_context(claimed(settings.VAR))
        broker = None
        if not os.environ.get("OFFLOAD_BROKER"):
            broker = BrokerWatch(stack.enter_context(EmbeddedBroker(settings.VAR / "broker")))
        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        fleet = stack.enter_context(Fleet(settings.VAR, environment, stop))
        for name, topics in WORKERS.items():
            give_rules(name, topics, afresh=afresh)
            fleet.start(name, worker(name))
        port = free_port(PORT)
        fleet.start("site", [sys.executable, "-m", "project.server", str(port)])
        yield Site(fleet=fleet, url=f"http://127.0.0.1:{port}/", broker=broker)


def give_rules(name: str, topics: Iterable[str], *, afresh: bool) -> None:
    """Make the worker exclusively for its topics, if it has no rules or begins afresh."""
    own = Rule.objects.filter(target=name)
    if afresh:
        own.delete()
        if Switch.objects.filter(pk=name).exists():
            editing.switch(name, off=False)
    if not own.exists():
        editing.exclusive(name, topics)


def worker(name: str) -> list[str]:
    """Return the command that runs a Celery worker of that name."""
    options = ["--hostname", name, "--concurrency", str(CONCURRENCY), "--loglevel", "INFO"]
    return [sys.executable, "-m", "celery", "--app", "project", "worker", *options]


def await_ready(site: Site) -> None:
    """Wait until the pages answer and all workers take work.

    Raise ProgramEnded if one has ended, NotReady if it takes too long, KeyboardInterrupt if a
    signal asked for the end.
    """
    await_true(site, lambda: answers(site.url), f"The site at {site.url} does not answer")
    await_true(site, all_ready, f"Not all of {', '.join(WORKERS)} have announced themselves")


def await_true(site: Site, look: Callable[[], bool], problem: str) -> None:
    """Look until it is true; raise NotReady with the problem if it takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not look():
        site.fleet.check()
        if time.monotonic() > deadline:
            raise NotReady(
                f"{problem} after {START_TIMEOUT_SECONDS:g} s; see {settings.VAR / 'log'}."
            )
        time.sleep(POLL_SECONDS)


def answers(url: str) -> bool:
    """Return whether the page is served."""
    try:
        with urlopen(url, timeout=5) as answer:  # noqa: S310 -- our own loopback address
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def all_ready() -> bool:
    """Return whether every worker takes work."""
    return Instance.objects.filter(name__in=WORKERS, mode=Mode.READY).count() == len(WORKERS)


def free_port(preferred: int) -> int:
    """Return the preferred loopback port, or another one if somebody listens there."""
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise NotReady("There is no free port on 127.0.0.1.")
