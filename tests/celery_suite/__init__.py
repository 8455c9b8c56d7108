"""Celery's own integration suite, run against stock Celery and against jobs."""
