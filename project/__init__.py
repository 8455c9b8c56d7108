"""The sample site: a small asset store whose images are worked on elsewhere."""

from __future__ import annotations

from project.celery import app as celery_app

__all__ = ["celery_app"]
