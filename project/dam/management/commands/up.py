"""Keep both sites and their workers running until Ctrl-C, on this machine alone."""

from __future__ import annotations

import secrets
import time
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.hashers import make_password
from django.core.management import CommandError
from django_rich.management import RichCommand

from offload.core.exceptions import OffloadError
from project.claim import FolderInUse
from project.fleet import ProgramEnded, StopRequest, ending_in_order
from project.preparing import ADMIN, make_admin
from project.running import NotReady, OtherSite, await_ready, running
from project.sites import RENDER

#: Seconds between two looks whether everything still runs.
POLL_SECONDS = 0.5


class Command(RichCommand):
    """The running sites."""

    help = __doc__ or ""

    def handle(self, *_: Any, **__: Any) -> None:
        """Run until interrupted; raise CommandError if it cannot start or a program ends."""
        try:
            with ending_in_order() as stop:
                self.serve(stop)
        except KeyboardInterrupt:
            self.console.print("Stopped; nothing is left running.")
        except (FolderInUse, NotReady, OffloadError, OtherSite, ProgramEnded) as error:
            raise CommandError(str(error)) from error

    def serve(self, stop: StopRequest) -> None:
        """Run sites and workers, say how to get in, and wait."""
        self._say(f"Starting both sites and their workers (logs: {settings.VAR / 'log'}) ...")
        admin = Admin()
        with running({}, stop, admin=admin.hash) as sites:
            await_ready(sites)
            for name, url in sites.urls.items():
                self._say(f"The site {name} is at {url}/, its admin at {url}/admin/")
            self._say(admin.told)
            self._say(
                f"manage.py is the author's; the other one's: OFFLOAD_SITE={RENDER} manage.py"
            )
            self._say("Ctrl-C stops both.")
            while True:
                for told in sites.revive():
                    self._say(told)
                time.sleep(POLL_SECONDS)

    def _say(self, line: str) -> None:
        """Print a line whole: what is copied out of it is not cut by the terminal's width."""
        self.console.print(line, soft_wrap=True, highlight=False)


class Admin:
    """The user of both sites."""

    def __init__(self) -> None:
        self.told = (
            f"Log in to either as {ADMIN} with the password that the first start printed. "
            f"Another one is set by: .venv/bin/python manage.py changepassword {ADMIN}"
        )

    def hash(self) -> str:
        """Return the hash of the user's password here; make both at the first start."""
        users = get_user_model().objects.filter(username=ADMIN)
        if not users:
            password = secrets.token_urlsafe(12)
            make_admin(make_password(password))
            self.told = (
                f"Log in to either as {ADMIN} with the password {password} "
                "(shown this once; only its hash is kept)"
            )
        return str(users.get().password)
