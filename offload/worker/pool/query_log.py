"""Django's log of queries, which it keeps if DEBUG is on."""

from __future__ import annotations

import logging

from django.conf import settings as django_settings
from django.db import reset_queries
from django.db.backends.base.base import BaseDatabaseWrapper

logger = logging.getLogger("offload.worker")


def warn_of_queries(**_: object) -> None:
    """Log a warning about the cost of DEBUG in a worker."""
    if django_settings.DEBUG:
        logger.warning(
            "DEBUG is True: Django logs every query of this worker's runs, which takes time and "
            "memory; the log is emptied after each run. Set DEBUG = False in production."
        )


def forget_queries() -> None:
    """Empty the log after a run, as Django does after a request."""
    if django_settings.DEBUG:
        reset_queries()


def log_no_queries() -> None:
    """Turn the log off in this process, where nobody reads it."""
    BaseDatabaseWrapper.queries_limit = 0
