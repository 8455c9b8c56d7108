"""The site's web server in a process: `python -m tests.acceptance.site.web PORT`.

While the folder has a file `slow`, bodies of requests are read slowly, so that a test can meet one
that is on its way.
"""

from __future__ import annotations

import os
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import django
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.test import override_settings
from django.urls import include, path

from offload.core.exceptions import OffloadError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from django.http import HttpRequest

#: Seconds for each read of a slow body, and its bytes.
SLOW_SECONDS, SLOW_BYTES = 0.02, 4_096


class _SlowBody:
    """A body that is read slowly while a file says so."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        if not (Path(os.environ["ACCEPTANCE_FOLDER"]) / "slow").exists():
            return bytes(self._stream.read(size))
        time.sleep(SLOW_SECONDS)
        return bytes(self._stream.read(SLOW_BYTES if size < 0 else min(size, SLOW_BYTES)))

    def readline(self, size: int = -1) -> bytes:
        """Return the next line: Django asks for the method, the site for none."""
        return bytes(self._stream.readline(size))


def slowly(application: Any) -> Callable[..., Iterable[bytes]]:
    """Wrap a WSGI application."""

    def wrapped(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = _SlowBody(environ["wsgi.input"])
        found: Iterable[bytes] = application(environ, start)
        return found

    return wrapped


def approve(request: HttpRequest, run: str, step: str) -> HttpResponse:
    """Approve a step of a run, as a page of the site would; answer who decided."""
    try:
        import_module("offload.workflows").RunHandle(run).approve(step, by=request.GET["by"])
    except OffloadError as error:
        return HttpResponse(str(error), status=409)
    return HttpResponse(f"approved by {request.GET['by']}")


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing about requests."""


class _Server(ThreadedWSGIServer):
    def handle_error(self, *_: Any) -> None:
        """Say nothing about clients that went away."""


def serve(port: int) -> None:
    """Serve until the process is ended."""
    django.setup()
    import_module("tests.acceptance.site.celery")
    urls = type(sys)("tests.acceptance.site.served")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("offload/", include("offload.urls")),
        path("approve/<str:run>/<str:step>/", approve),
    ]
    sys.modules[urls.__name__] = urls
    with override_settings(ROOT_URLCONF=urls.__name__):
        server = _Server(("127.0.0.1", port), _Quiet)
        server.daemon_threads = True
        server.set_app(slowly(get_wsgi_application()))
        server.serve_forever()


if __name__ == "__main__":
    serve(int(sys.argv[1]))
