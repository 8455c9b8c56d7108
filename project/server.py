"""The site's web server: `python -m project.server PORT`, on loopback only.

It sends static files itself, once they are collected; everything else is Django's.
"""

from __future__ import annotations

import os
import signal
import sys
from functools import partial
from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string
from granian.constants import HTTPModes, Interfaces
from granian.server import Server

from offload.embedded.tether import tie

#: Requests that Django answers at once; each file on its way occupies one of them.
THREADS = 8

#: Seconds that requests get to end.
END_SECONDS = 5


def serve(port: int) -> None:
    """Serve the site until a signal asks for the end."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    server = Server(
        settings.WSGI_APPLICATION,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        blocking_threads=THREADS,
        backpressure=THREADS,
        workers_kill_timeout=END_SECONDS,
        static_path_route=[f"/{settings.STATIC_URL.strip('/')}"],
        static_path_mount=[settings.STATIC_ROOT],
        static_path_expires=0,
    )
    # By default the process that answers requests would outlive its parent's sudden death.
    server.serve(target_loader=partial(load, os.getpid()))


def load(parent: int, target: str) -> Any:
    """Return the application, in a process that now dies with its parent."""
    tie(parent, signal.SIGKILL)
    return import_string(target)


if __name__ == "__main__":
    serve(int(sys.argv[1]))
