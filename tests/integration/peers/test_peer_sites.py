"""What the doctor says of the addresses of other sites."""

from __future__ import annotations

import socket
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from django.conf import settings as django_settings
from django.test import override_settings
from django.urls import include, path

from offload.diagnostics import Level
from offload.diagnostics.peers import peer_sites

if TYPE_CHECKING:
    from collections.abc import Iterator

    from django.test import Client

    from offload.diagnostics import Finding

urlpatterns = [path("offload/", include("offload.urls"))]
KEY = {"1": "k" * 32}


@contextmanager
def server(status: int, **headers: str) -> Iterator[str]:
    """Answer each request so, at the address that is provided."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(status)
            for name, value in {**headers, "Asked": self.path}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        thread = Thread(target=one.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{one.server_address[1]}/offload"
        one.shutdown()
        thread.join()


def examined(**urls: str) -> list[Finding]:
    """Return what the doctor says of peers with these addresses."""
    peers = {name: {"KEY": KEY, **({"URL": url} if url else {})} for name, url in urls.items()}
    given = {**django_settings.OFFLOAD, "CLUSTER": "site", "PEERS": peers}
    with override_settings(OFFLOAD=given):
        return list(peer_sites.examine())


def test_a_site_that_answers_is_well() -> None:
    with server(204, Offload_Protocol="1") as url:
        [found] = examined(render=url)

    assert found.level is Level.OK
    assert found.fact.startswith(f"The site of render is reached by http: {url} answers in ")


def test_the_addresses_say_that_they_are_here_to_everybody(client: Client) -> None:
    with override_settings(ROOT_URLCONF=__name__):
        answer = client.head("/offload/")
        refused = client.post("/offload/")

    assert (answer.status_code, answer.headers["Offload-Protocol"]) == (204, "1")
    assert refused.status_code == 405


def test_only_sites_that_have_an_address_are_asked() -> None:
    assert examined(render="") == []


def test_where_nothing_listens_the_step_is_to_look_at_the_server() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        [found] = examined(render=f"http://127.0.0.1:{nobody.getsockname()[1]}/offload")

    assert found.level is Level.WARN
    assert "The site of render is not reached at http://127.0.0.1:" in found.fact
    assert "Look whether its web server runs" in found.next_step


def test_a_site_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offload.files.transports.http.reaching.SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        begun = time.monotonic()
        [found] = examined(render=f"http://127.0.0.1:{silent.getsockname()[1]}")

    assert found.level is Level.WARN
    assert "ReadTimeoutError" in found.fact
    assert time.monotonic() - begun < peer_sites.SECONDS * 10


def test_an_answer_that_trickles_ends_the_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(peer_sites, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        [found] = examined(render=f"http://127.0.0.1:{silent.getsockname()[1]}")

    assert "no answer within 0.2 s" in found.fact


@pytest.mark.parametrize(
    ("status", "headers", "told"),
    [
        (404, {}, "something else: 404."),
        (301, {"Location": "https://elsewhere/"}, "something else: 301 and leads to https://else"),
        (204, {"Offload_Protocol": "2"}, "speaks protocol 2, and 1 is spoken here."),
    ],
)
def test_what_answers_otherwise_is_said(status: int, headers: dict[str, str], told: str) -> None:
    with server(status, **headers) as url:
        [found] = examined(render=url)

    assert found.level is Level.WARN
    assert told in found.fact
    assert found.next_step
