"""Code of the site that a command loads before it says what the site has."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.reading.explain import Explanation


def explained(ask: Callable[[], Explanation]) -> Explanation:
    """Ask, and once more with the site's consumers loaded where no instance has one.

    Code that is newer than the workers is the usual reason; loading it may take a while.
    """
    found = ask()
    if not found.infeasible:
        return found
    with suppress(Exception):  # What cannot be loaded is named by the doctor.
        celery_app().loader.import_default_modules()
    return ask()
