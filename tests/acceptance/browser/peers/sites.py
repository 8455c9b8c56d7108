"""Two sites with servers of their own in one process: whoever acts is one of them meanwhile."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.test import Client
from django.test.testcases import LiveServerThread

from offload.browser.cluster import sharing
from offload.conf import settings
from offload.fleet.snapshots import snapshot
from offload.models import Instance, Peer
from offload.models.fields import DatabaseNow
from offload.models.versions import raise_version
from offload.peers.announcing import announced
from offload.rules import enforcement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from django.db.models import Model
    from playwright.sync_api import Browser, BrowserContext

    from tests.integration.peers.requests.mail import Mail
    from tests.integration.peers.travel.clusters import Cluster


class EverythingInOne:
    """Sends all models, users too, to the database of the site that acts."""

    def db_for_read(self, model: type[Model], **_: object) -> str:
        """Return it."""
        return settings().database

    db_for_write = db_for_read


@dataclass(slots=True)
class Sites:
    """The two sites; one at a time acts, a server's thread or the test."""

    mail: Mail
    browser: Browser
    #: Settings are the whole process's.
    turn: Any = field(default_factory=threading.RLock)
    _servers: list[LiveServerThread] = field(default_factory=list)
    _windows: list[BrowserContext] = field(default_factory=list)

    @contextmanager
    def at(self, cluster: Cluster) -> Iterator[None]:
        """Let the process be one of a site's for a block."""
        with self.turn, self.mail.at(cluster):
            sharing.forget()
            yield
            sharing.forget()

    def window(self, cluster: Cluster, **fields: Any) -> BrowserContext:
        """Return a window of somebody who may do everything at a site."""
        server = self._serve(cluster)
        url = f"http://{server.host}:{server.port}"
        with self.at(cluster):
            client = Client()
            client.force_login(User.objects.create_superuser(f"ada-{cluster.name}"))
        name = django_settings.SESSION_COOKIE_NAME
        made = self.browser.new_context(base_url=url, **fields)
        made.add_cookies([{"name": name, "value": client.cookies[name].value, "url": url}])
        self._windows.append(made)
        return made

    def _serve(self, cluster: Cluster) -> LiveServerThread:
        def serving(handler: Any) -> Any:
            return _application(StaticFilesHandler(handler), lambda: self.at(cluster))

        server = LiveServerThread("127.0.0.1", serving)  # type: ignore[arg-type] # any application
        server.daemon = True
        server.start()
        server.is_ready.wait()
        assert server.error is None
        self._servers.append(server)
        return server

    def exchange(self) -> None:
        """Let the peer judge what is asked, its instance follow, and home hear of both."""
        with self.turn:
            self.mail.exchange()
            with self.mail.peer():
                for row in Instance.objects.all():
                    enforcement.announce(row.name, row.incarnation, snapshot(fresh=True))
                said = announced()
            with self.mail.home():
                Peer.objects.update(instances=said, heard_at=DatabaseNow())
                raise_version()

    def close(self) -> None:
        """Close the windows, end the servers, and leave nobody signed in."""
        for window in self._windows:
            window.close()
        for server in self._servers:
            server.terminate()
        for cluster in (self.mail.link.home, self.mail.link.peer):
            with self.at(cluster):
                Session.objects.all().delete()
                User.objects.all().delete()


def _application(handler: Any, acting: Callable[[], Any]) -> Any:
    def answer(environ: Any, start_response: Any) -> list[bytes]:
        with acting():
            found = handler(environ, start_response)
            try:
                return list(found)
            finally:
                found.close()

    return answer
