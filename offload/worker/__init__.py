"""Celery's running side: the task, its request, the boot steps, and the agent beside a worker."""
