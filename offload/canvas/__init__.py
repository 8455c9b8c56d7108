"""Celery's canvas as rows: its own code expands it, and every node becomes a job or a relay."""
