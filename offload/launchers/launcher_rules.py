"""The launchers as values, and whether they are switched off."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from offload.conf import settings
from offload.models import Launcher, LauncherSwitch
from offload.models.launching.launcher_rows import EVERYWHERE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from offload.core.launchers.launcher_decision import LauncherRule

logger = logging.getLogger("offload.launchers")

#: Seconds for which those who ask often, such as every save of a model, trust what they read.
TRUST_SECONDS = 2.0


def rules() -> list[LauncherRule]:
    """Return all launchers, by name."""
    return list(_readable())


def _readable() -> Iterator[LauncherRule]:
    for row in Launcher.objects.all():
        if problem := row.problem:
            logger.warning("launcher %s is left out: %s", row.name, problem)
        else:
            yield row.rule


def off_because(instance: str = EVERYWHERE) -> str:
    """Say why launchers start nothing here; return "" if they do."""
    if settings().launchers_off:
        return 'launchers are off: OFFLOAD["LAUNCHERS_OFF"]'
    names = {EVERYWHERE, instance}
    row = LauncherSwitch.objects.filter(pk__in=names).order_by("instance").first()
    if row is None:
        return ""
    where = "" if row.instance == EVERYWHERE else f" of {row.instance}"
    return f"launchers{where} are switched off{f': {row.note}' if row.note else ''}"


class Rulebook:
    """The launchers as they were read lately."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Take the clock."""
        self._clock = clock
        self._read: tuple[float, list[LauncherRule]] | None = None

    def lately(self) -> list[LauncherRule]:
        """Return the enabled launchers, read at most some seconds ago."""
        now = self._clock()
        if self._read is None or now - self._read[0] >= TRUST_SECONDS:
            self._read = now, [one for one in rules() if one.enabled]
        return self._read[1]

    def forget(self) -> None:
        """Read them again at the next call."""
        self._read = None


#: The one of this process: models are saved from anywhere.
rulebook = Rulebook()
