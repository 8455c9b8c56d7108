"""The two sites as they run: one broker, and of each site its pages and its workers."""

from __future__ import annotations

import os
import socket
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

from django.conf import settings

from offload.core.placement.topology import Mode
from offload.embedded import BrokerWatch, EmbeddedBroker
from offload.models import Instance
from offload.reading.peers import clusters
from project.claim import claimed
from project.fleet import Fleet, StopRequest
from project.preparing import prepare
from project.sites import AUTHOR, PORTS, RENDER, WORKERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

#: Jobs that a worker runs at once.
CONCURRENCY = 2

#: Seconds until sites and workers must be there.
START_TIMEOUT_SECONDS = 60.0

#: Seconds between two looks.
POLL_SECONDS = 0.1


class NotReady(Exception):
    """Something did not start in time."""


class OtherSite(Exception):
    """The command was given to the site that does not start the other one."""

    def __init__(self) -> None:
        super().__init__(
            f"Both sites are started from {AUTHOR}. Leave out OFFLOAD_SITE={settings.SITE}."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sites:
    """The running sites."""

    fleet: Fleet
    #: Where the pages of each are.
    urls: Mapping[str, str]
    #: Of the embedded broker, where they have no other.
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
    environment: Mapping[str, str],
    stop: StopRequest,
    *,
    afresh: bool = False,
    admin: Callable[[], str] | None = None,
) -> Iterator[Sites]:
    """Run broker, pages and workers for the block, with these variables on top of ours.

    What an operator has changed about the workers' rules stays, unless they begin `afresh`.
    `admin` returns the hash of the password that the other site's user gets.
    Raise FolderInUse if they run already, OtherSite if this process is of the other site.
    """
    if settings.SITE != AUTHOR:
        raise OtherSite
    with ExitStack() as stack:
        stack.enter_context(claimed(settings.VAR))
        broker = None
        if not os.environ.get("OFFLOAD_BROKER"):
            broker = BrokerWatch(stack.enter_context(EmbeddedBroker(settings.VAR / "broker")))
        fleet = stack.enter_context(Fleet(settings.VAR, environment, stop))
        ports = {site: free_port(port) for site, port in PORTS.items()}
        urls = {site: f"http://127.0.0.1:{port}" for site, port in ports.items()}
        keep_address(urls[AUTHOR])
        prepare(afresh=afresh)
        start(fleet, AUTHOR, ports[AUTHOR])
        prepare_other(fleet, afresh=afresh, admin_hash=admin() if admin else "")
        start(fleet, RENDER, ports[RENDER])
        yield Sites(fleet=fleet, urls=urls, broker=broker)


def keep_address(url: str) -> None:
    """Write down where the author's site is, for the processes of the other one."""
    path = settings.VAR / "run" / "author.address"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(url, encoding="ascii")


def prepare_other(fleet: Fleet, *, afresh: bool, admin_hash: str) -> None:
    """Prepare the site that makes renditions, in a process of that site."""
    command = [sys.executable, "manage.py", "prepare", *(["--afresh"] if afresh else [])]
    fleet.start("render-prepare", command, {"OFFLOAD_SITE": RENDER, "ADMIN_HASH": admin_hash})
    fleet.complete("render-prepare")


def start(fleet: Fleet, site: str, port: int) -> None:
    """Start the web server and the workers of a site."""
    of_site = {"OFFLOAD_SITE": site}
    fleet.start(f"{site}-site", [sys.executable, "-m", "project.server", str(port)], of_site)
    for name in WORKERS[site]:
        fleet.start(name, worker(name), of_site)


def worker(name: str) -> list[str]:
    """Return the command that runs a Celery worker of that name."""
    options = ["--hostname", name, "--concurrency", str(CONCURRENCY), "--loglevel", "INFO"]
    return [sys.executable, "-m", "celery", "--app", "project", "worker", *options]


def await_ready(sites: Sites) -> None:
    """Wait until the pages answer, all workers take work and the author's site knows that.

    Raise ProgramEnded if one has ended, NotReady if it takes too long, KeyboardInterrupt if a
    signal asked for the end.
    """
    for url in sites.urls.values():
        await_true(sites, partial(answers, url), f"The site at {url} does not answer")
    names = ", ".join(WORKERS[AUTHOR])
    await_true(sites, own_ready, f"Not all of {names} have announced themselves")
    names = ", ".join(WORKERS[RENDER])
    await_true(sites, others_ready, f"Nothing was heard of some of {names}")


def await_true(sites: Sites, look: Callable[[], bool], problem: str) -> None:
    """Look until it is true; raise NotReady with the problem if it takes too long."""
    deadline = time.monotonic() + START_TIMEOUT_SECONDS
    while not look():
        sites.fleet.check()
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


def own_ready() -> bool:
    """Return whether every worker of the author's site takes work."""
    own = WORKERS[AUTHOR]
    return Instance.objects.filter(name__in=own, mode=Mode.READY).count() == len(own)


def others_ready() -> bool:
    """Return whether the other site was heard to say that all of its workers take work."""
    return any(
        line.name == RENDER and line.ready >= len(WORKERS[RENDER]) and not line.is_late
        for line in clusters.read()
    )


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
