"""An agent's watch over folders: files that lie still are launched."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from django.db import DatabaseError, connections

from offload.conf import settings
from offload.core.exceptions import OffloadError
from offload.core.launchers import stillness
from offload.core.launchers.launcher_decision import ANY_EVENT, LaunchEvent
from offload.db import database
from offload.launchers import launching, watched_folders
from offload.launchers.launched import Fingerprint
from offload.launchers.launcher_rules import off_because, rulebook
from offload.models import Launch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from django.core.files import File

    from offload.core.launchers.launcher_decision import LauncherRule
    from offload.core.launchers.stillness import Stamp, StillFile

logger = logging.getLogger("offload.launchers")

#: Files that are handled between two looks into a folder.
BATCH_FILES = 100


class FolderWatch:
    """One watched folder: what lies in it, and since when it is still."""

    def __init__(self, name: str, folder: Path, instance: str) -> None:
        """Take the first part of the files' paths, the folder, and the agent's instance."""
        self.name, self.folder, self._instance = name, folder, instance
        self._known: Mapping[str, StillFile] = {}
        self._refused: set[str] = set()
        self._is_missing = False
        self._rules: list[LauncherRule] = []

    def look(self, now: float, still: float) -> int:
        """Look once; launch what has been still for so many seconds; return how many files."""
        try:
            found = watched_folders.scanned(self.name, self.folder)
        except OSError as error:
            self._say_missing(error)
            return 0
        self._is_missing = False
        self._say_refused(found.refused)
        self._forget_if_rules_changed()
        self._known = stillness.observed(self._known, found.stamps, now)
        due = stillness.due(self._known, now, still)[:BATCH_FILES]
        if due:
            known = self._launched_before(due)
            done = {path for path in due if path in known or self._handle(path)}
            self._known = stillness.handled(self._known, done)
        return len(due)

    def _forget_if_rules_changed(self) -> None:
        """Let new launchers look at files that others left alone."""
        if self._rules != (rules := rulebook.lately()):
            self._known = {path: replace(one, is_done=False) for path, one in self._known.items()}
            self._rules = rules

    def _say_missing(self, error: OSError) -> None:
        if not self._is_missing:
            logger.warning("the watched folder %s cannot be read: %s", self.folder, error)
        self._is_missing = True

    def _say_refused(self, refused: Mapping[str, OffloadError]) -> None:
        for path in refused.keys() - self._refused:
            logger.warning("%s", refused[path])
        self._refused = set(refused)

    def _launched_before(self, paths: Iterable[str]) -> set[str]:
        """Return those of the files that were launched in this state, as after a restart."""
        keys = {launching.path_key(path): path for path in paths}
        rows = Launch.objects.filter(path_key__in=keys).values_list("path_key", "stamp")
        return {keys[key] for key, stamp in rows if stamp == str(self._known[keys[key]].stamp)}

    def _handle(self, path: str) -> bool:
        """Launch a file; return whether it is done in this state."""
        if not any(one.pattern.matches(path) for one in rulebook.lately()):
            return True
        stamp = self._known[path].stamp
        try:
            file = watched_folders.located(self.folder, path.removeprefix(f"{self.name}/"))
            with watched_folders.opened(file) as opened:
                return self._launch(path, opened, file, stamp)
        except FileNotFoundError:
            return True
        except (OSError, OffloadError) as error:
            logger.warning("%s is not launched: %s", path, error)
            return True

    def _launch(self, path: str, opened: File[bytes], file: Path, stamp: Stamp) -> bool:
        fingerprint = Fingerprint(
            stamp=str(stamp), is_same=lambda: watched_folders.stamp_of(file) == stamp
        )
        outcomes = launching.arrive(
            path, opened, LaunchEvent.FOUND, instance=self._instance, fingerprint=fingerprint
        )
        launching.log_failures(outcomes)
        return fingerprint.is_same()


class FolderThread(threading.Thread):
    """Watches folders until it is stopped."""

    def __init__(self, instance: str, folders: Mapping[str, str]) -> None:
        """Take the name of the instance whose agent this is, and the folders by name."""
        super().__init__(name="folders", daemon=True)
        self._instance = instance
        self._over = threading.Event()
        self._watches = [FolderWatch(name, Path(one), instance) for name, one in folders.items()]

    def stop(self) -> None:
        """Look no more; a file that is being launched is not waited for."""
        self._over.set()

    def run(self) -> None:
        """Look, and look again after a pause."""
        while not self._over.wait(settings().watch_every):
            try:
                self.look()
            except DatabaseError as error:
                logger.warning("watched folders wait for the database: %s", error)
                database.connection().close()
            except Exception:
                logger.exception("watched folders cannot be looked at")
                database.connection().close()
        connections.close_all()

    def look(self) -> None:
        """Look into each folder, unless no launcher is for them, or all are off."""
        if not any(one.event in {ANY_EVENT, LaunchEvent.FOUND} for one in rulebook.lately()):
            return
        if off_because(self._instance):
            return
        for watch in self._watches:
            while watch.look(time.monotonic(), settings().watch_still) == BATCH_FILES:
                if self._over.is_set():
                    return


def start(instance: str) -> list[FolderThread]:
    """Start the watch of an agent, if the settings name folders and mean this instance."""
    given = settings()
    if not given.watch or not fnmatchcase(instance, given.watch_by):
        return []
    thread = FolderThread(instance, given.watch)
    thread.start()
    return [thread]
