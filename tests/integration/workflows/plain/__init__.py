"""Plain Celery tasks among the steps of workflows."""
