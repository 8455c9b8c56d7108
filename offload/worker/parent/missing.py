"""Forgotten parts of an installation: the worker ends and names the line to add."""

from __future__ import annotations

import logging

from celery import signals
from django.core.exceptions import ImproperlyConfigured

from offload.conf import require_app
from offload.core.exceptions import ConfigurationError
from offload.messaging.installation import celery_app

logger = logging.getLogger("offload.worker")

EX_CONFIG = 78


def refuse_missing_app() -> None:
    """End the worker where offload is not among the installed apps: it has no tables then."""
    try:
        require_app()
    except (ConfigurationError, ImproperlyConfigured) as error:
        logger.error("%s The worker ends.", error)
        raise SystemExit(EX_CONFIG) from error


def refuse_missing_install(**_: object) -> None:
    """End a worker of a site with offload and without an app that it was installed into."""
    try:
        celery_app()
    except (ConfigurationError, ImportError) as error:
        logger.error("%s The worker ends.", error)
        raise SystemExit(EX_CONFIG) from error


def watch() -> None:
    """Look when a worker begins whether anything was installed."""
    signals.worker_init.connect(
        refuse_missing_install, weak=False, dispatch_uid="offload.refuse_missing_install"
    )
