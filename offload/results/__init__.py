"""Celery's result backends: what is stored there, read from there, and raised."""
