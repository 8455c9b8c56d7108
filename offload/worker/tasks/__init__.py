"""Celery tasks that are jobs, and the job as consumers see it."""
