"""The site's modules of tasks and consumers: whether a worker could load them."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

from offload.core.exceptions import ConfigurationError
from offload.diagnostics.finding import Finding, fail, one_line
from offload.messaging.installation import celery_app

if TYPE_CHECKING:
    from collections.abc import Iterator

SUBJECT = "modules"


def examine() -> Iterator[Finding]:
    """Yield the modules that cannot be imported."""
    try:
        app = celery_app()
        app.loader.import_default_modules()
        app.finalize()
    except ConfigurationError:
        return
    except Exception as error:  # A site's code may raise anything.
        fact = f"No worker can start with this code: {type(error).__name__}: {one_line(error)}."
        yield fail(SUBJECT, fact, _next_step(error))


def _next_step(error: Exception) -> str:
    """Return the place that the error names, or else where it was raised."""
    notes = getattr(error, "__notes__", None)
    return notes[-1] if notes else f"Mend {_place(error)}."


def _place(error: Exception) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}, line {error.lineno}"
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}, line {last.lineno}"
