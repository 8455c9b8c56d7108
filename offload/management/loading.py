"""Loading the site's consumers for a command."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from offload.reading.waiting.explanation import Explanation


def explained(ask: Callable[[], Explanation]) -> Explanation:
    """Explain a topic; if no instance has a consumer, load the site's own and explain it again.

    Usually the code is newer than the workers. It is loaded only then, because that may take a
    while.
    """
    found = ask()
    if not found.infeasible:
        return found
    with suppress(Exception):  # The doctor names modules that cannot be loaded.
        celery_app().loader.import_default_modules()
    return ask()
