"""Watched folders: what lies still is launched once; links and files on their way are not."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.test import override_settings

from offload.core.exceptions import InvalidPath
from offload.launchers import folder_watch, launching, watched_folders
from offload.launchers.folder_watch import FolderWatch
from offload.launchers.launcher_changes import SwitchLaunchers
from offload.launchers.launcher_rules import rulebook
from offload.models import Launcher, Payload, PayloadFile, Run
from offload.operations.changes.actors import at_terminal
from tests.integration.world import statements

if TYPE_CHECKING:
    from pathlib import Path

STILL = 5.0


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    """Return an empty folder with a launcher."""
    folder = tmp_path / "inbox"
    folder.mkdir()
    Launcher.objects.create(name="in", pattern="inbox/**", workflow="taken/whole")
    return folder


@pytest.fixture
def watch(inbox: Path) -> FolderWatch:
    """Return the watch over it."""
    return FolderWatch("inbox", inbox, "files@a")


def paths() -> list[str]:
    """Return the paths that started runs, in order."""
    return [run.user_data["path"] for run in Run.objects.order_by("created_at", "id")]


def test_what_lies_still_starts_once_also_after_a_restart(inbox: Path, watch: FolderWatch) -> None:
    (inbox / "may").mkdir()
    (inbox / "may" / "1.txt").write_text("one")
    (inbox / ".hidden").write_text("hidden")

    watch.look(0.0, STILL)
    watch.look(4.9, STILL)
    assert paths() == []
    watch.look(5.0, STILL)
    watch.look(20.0, STILL)
    again = FolderWatch("inbox", inbox, "files@a")
    again.look(0.0, STILL)
    with statements() as found:
        again.look(5.0, STILL)

    assert paths() == ["inbox/may/1.txt"]
    assert not [one for one in found if "INSERT" in one]


def test_a_file_being_written_is_waited_for(inbox: Path, watch: FolderWatch) -> None:
    file = inbox / "a.txt"
    for second in range(10):
        with file.open("a") as opened:
            opened.write("more")
        watch.look(float(second), STILL)
    assert paths() == []

    watch.look(14.0, STILL)

    assert PayloadFile.objects.get().size == 40


def test_a_file_that_changes_while_it_is_read_is_left_for_later(
    inbox: Path, watch: FolderWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = inbox / "a.txt"
    file.write_text("first")
    arrive, times = launching.arrive, []

    def write_first(*args: Any, **how: Any) -> Any:
        times.append(1)
        if len(times) == 1:
            file.write_text("second, longer")
        return arrive(*args, **how)

    monkeypatch.setattr(launching, "arrive", write_first)
    for second in (0.0, 5.0, 6.0, 11.0):
        watch.look(second, STILL)

    assert PayloadFile.objects.get().size == len("second, longer")
    assert Payload.objects.count() == 1


def test_a_file_that_is_deleted_at_once_is_forgotten(
    inbox: Path, watch: FolderWatch, caplog: pytest.LogCaptureFixture
) -> None:
    (inbox / "gone.txt").write_text("x")
    watch.look(0.0, STILL)
    scan = watched_folders.scanned(watch.name, inbox)
    (inbox / "gone.txt").unlink()
    watch.look(5.0, STILL)

    assert scan.stamps
    assert paths() == []
    assert caplog.text == ""


def test_links_and_odd_names_are_refused_with_the_reason_once(
    inbox: Path, watch: FolderWatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.txt").write_text("secret")
    (inbox / "link.txt").symlink_to(secret / "key.txt")
    (inbox / "folder").symlink_to(secret)
    (inbox / "a\nb.txt").write_text("x")
    os.mkfifo(inbox / "pipe")

    for second in (0.0, 5.0, 10.0):
        watch.look(second, STILL)

    assert paths() == []
    assert len(caplog.records) == 3
    assert caplog.text.count("is a symbolic link") == 2
    assert "control character" in caplog.text


def test_a_folder_that_becomes_a_link_is_not_followed(tmp_path: Path, inbox: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.txt").write_text("x")
    (inbox / "sub").symlink_to(tmp_path / "other")

    with pytest.raises(InvalidPath, match="is a symbolic link"):
        watched_folders.located(inbox, "sub/a.txt")
    with pytest.raises(InvalidPath, match="stand for folders"):
        watched_folders.located(inbox, "../other/a.txt")
    with pytest.raises(InvalidPath, match="not in the folder"):
        watched_folders.below(inbox, inbox / "sub" / "a.txt")
    with pytest.raises(OSError, match=r"a\.txt|symbolic"), watched_folders.opened(inbox / "sub"):
        pass
    assert watched_folders.below(tmp_path, tmp_path / "other" / "a.txt") == "other/a.txt"


def test_a_missing_folder_is_said_once_and_looked_at_again(
    inbox: Path, watch: FolderWatch, caplog: pytest.LogCaptureFixture
) -> None:
    inbox.rmdir()
    watch.look(0.0, STILL)
    watch.look(1.0, STILL)
    assert len(caplog.records) == 1

    inbox.mkdir()
    (inbox / "a.txt").write_text("x")
    watch.look(2.0, STILL)
    watch.look(7.0, STILL)

    assert paths() == ["inbox/a.txt"]


def test_a_new_launcher_takes_what_others_left(inbox: Path, watch: FolderWatch) -> None:
    Launcher.objects.update(include=["image/*"])
    rulebook.forget()
    (inbox / "a.txt").write_text("x")
    watch.look(0.0, STILL)
    watch.look(5.0, STILL)
    assert paths() == []

    Launcher.objects.create(name="texts", pattern="inbox/*.txt", workflow="taken/whole")
    rulebook.forget()
    watch.look(6.0, STILL)

    assert paths() == ["inbox/a.txt"]


def test_no_more_files_are_looked_at_than_the_limit(
    inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_folders, "FILES_MAX", 3)
    for number in range(5):
        (inbox / f"{number}.txt").write_text("x")

    assert len(watched_folders.scanned("inbox", inbox).stamps) == 3


def test_the_thread_waits_while_launchers_are_off_and_is_for_named_instances(
    inbox: Path, database_alias: str
) -> None:
    (inbox / "a.txt").write_text("x")
    said = {"WATCH": {"inbox": str(inbox)}, "WATCH_STILL": 0, "WATCH_BY": "files@*"}
    with override_settings(OFFLOAD={**settings.OFFLOAD, **said}):
        assert folder_watch.start("web@a") == []
        thread = folder_watch.FolderThread("files@a", {"inbox": str(inbox)})
        SwitchLaunchers(off=True, instance="files@a").apply(at_terminal())
        thread.look()
        assert paths() == []
        SwitchLaunchers(off=False, instance="files@a").apply(at_terminal())
        thread.look()
        thread.look()

    assert paths() == ["inbox/a.txt"]


def test_without_folders_an_agent_has_no_thread() -> None:
    assert folder_watch.start("files@a") == []


def test_a_path_that_the_system_cannot_look_for_is_refused(tmp_path: Path) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")

    for name in ("a\0b", "circle"):
        with pytest.raises(InvalidPath):
            watched_folders.below(tmp_path, tmp_path / name)
