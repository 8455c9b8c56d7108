"""Incomplete installations: the worker ends and names the line to add."""

from __future__ import annotations

import logging
import os

from celery import signals
from django.core.exceptions import ImproperlyConfigured

from offload.conf import require_app
from offload.core.exceptions import BrokerUnreachable, ConfigurationError
from offload.core.lazy import load
from offload.messaging.installation import celery_app

logger = logging.getLogger("offload.worker")

#: Loaded late: the parent of a worker imports nothing of the doctor's otherwise.
REACH = "offload.diagnostics.broker:reach"


def refuse_missing_app() -> None:
    """End the worker if offload is not among the installed apps and so has no tables."""
    try:
        require_app()
    except (ConfigurationError, ImproperlyConfigured) as error:
        logger.error("%s The worker ends.", error)
        raise SystemExit(os.EX_CONFIG) from error


def refuse_missing_install(**_: object) -> None:
    """End the worker if the site has offload but no Celery app that it was installed into."""
    try:
        celery_app()
    except (ConfigurationError, ImportError) as error:
        logger.error("%s The worker ends.", error)
        raise SystemExit(os.EX_CONFIG) from error


def look_for_broker() -> None:
    """Log a warning if the broker does not answer; the worker keeps trying, as in Celery."""
    try:
        load(REACH)()
    except BrokerUnreachable as error:
        logger.error("%s", error)


def watch() -> None:
    """Check the installation when a worker begins."""
    signals.worker_init.connect(
        refuse_missing_install, weak=False, dispatch_uid="offload.refuse_missing_install"
    )
