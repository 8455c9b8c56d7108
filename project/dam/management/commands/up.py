"""Keep the site and its workers running until Ctrl-C, on this machine alone."""

from __future__ import annotations

import secrets
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import CommandError
from django_rich.management import RichCommand

from offload.core.exceptions import OffloadError
from project.claim import FolderInUse
from project.fleet import ProgramEnded, StopRequest, ending_in_order
from project.site import NotReady, await_ready, running

#: Name of the user that the first start makes.
ADMIN = "admin"

#: Seconds between two looks whether everything still runs.
POLL_SECONDS = 0.5


class Command(RichCommand):
    """The running site."""

    help = __doc__ or ""

    def handle(self, *_: Any, **__: Any) -> None:
        """Run until interrupted; raise CommandError if it cannot start or a program ends."""
        try:
            with ending_in_order() as stop:
                self.serve(stop)
        except KeyboardInterrupt:
            self.console.print("Stopped; nothing is left running.")
        except (FolderInUse, NotReady, OffloadError, ProgramEnded) as error:
            raise CommandError(str(error)) from error

    def serve(self, stop: StopRequest) -> None:
        """Run site and workers, say how to get in, and wait."""
        self._say(f"Starting the site and its workers (logs: {settings.VAR / 'log'}) ...")
        with running({}, stop) as site:
            await_ready(site)
            self._say(f"The site is at {site.url}, the admin at {site.url}admin/")
            self._say(how_to_get_in())
            self._say("Ctrl-C stops it.")
            while True:
                for told in site.revive():
                    self._say(told)
                time.sleep(POLL_SECONDS)

    def _say(self, line: str) -> None:
        """Print a line whole: what is copied out of it is not cut by the terminal's width."""
        self.console.print(line, soft_wrap=True, highlight=False)


def how_to_get_in() -> str:
    """Return how to log in; make the user and its password at the first start."""
    users = get_user_model().objects
    if users.filter(username=ADMIN).exists():
        return (
            f"Log in as {ADMIN} with the password that the first start printed. "
            f"Another one is set by: .venv/bin/python manage.py changepassword {ADMIN}"
        )
    password = secrets.token_urlsafe(12)
    users.create_superuser(ADMIN, password=password)
    return (
        f"Log in as {ADMIN} with the password {password} (shown this once; only its hash is kept)"
    )
