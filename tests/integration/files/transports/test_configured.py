"""What the settings say of transports and limits, with the transports that there are."""

from __future__ import annotations

import pytest
from django.test import override_settings

from offload.core.exceptions import TooLarge
from offload.core.transfers.choice import TRANSPORTS
from offload.core.transfers.limits import TransferLimits
from offload.files.transports import configured
from offload.files.transports.http.client import HttpClient
from offload.files.transports.http.remote_transport import RemoteHttpTransport
from offload.files.transports.inline import INLINE_BYTES_MAX, InlineTransport
from offload.files.transports.shared_storage import StorageTransport
from tests.integration.files.transports.links import SHARED, described

REMOTE = RemoteHttpTransport(HttpClient("http://home.example/offload/files/paris"))
ALL = {one.name: one for one in (InlineTransport(), StorageTransport(SHARED), REMOTE)}
FILES = [described("small", b"x"), described("large", bytes(INLINE_BYTES_MAX + 1))]


def test_settings_may_name_every_transport() -> None:
    assert set(TRANSPORTS) == set(ALL)


def test_the_limits_are_the_usual_ones_where_nothing_is_said() -> None:
    assert configured.limits() == TransferLimits()


def test_the_limits_are_those_of_the_settings() -> None:
    said = {"MAX_FILES": 1, "MAX_FILE": 2, "MAX_PAYLOAD": 3, "MIN_FREE": 4}

    with override_settings(OFFLOAD=said):
        found = configured.limits()

    assert found == TransferLimits(files=1, file_bytes=2, total_bytes=3, free_bytes=4)


@pytest.mark.parametrize(
    ("said", "chosen"),
    [
        ({}, ["inline", "http"]),
        ({"TRANSPORTS": {"*": ["http"], "paris": ["storage"]}}, ["storage", "storage"]),
        ({"TRANSPORTS": {"*": ["http"], "rome": ["storage"]}}, ["http", "http"]),
    ],
)
def test_the_transport_goes_by_peer_and_size(said: dict[str, object], chosen: list[str]) -> None:
    with override_settings(OFFLOAD=said):
        assert list(configured.chosen(ALL, peer="paris", files=FILES).values()) == chosen


def test_a_peer_with_small_messages_alone_gets_no_large_file() -> None:
    with (
        override_settings(OFFLOAD={"TRANSPORTS": {"paris": ["inline"]}}),
        pytest.raises(TooLarge, match="inline takes files of up to 65,536 bytes"),
    ):
        configured.chosen(ALL, peer="paris", files=FILES)
