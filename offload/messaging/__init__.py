"""Celery's app and broker as offload uses them: who is installed, and what is sent."""
