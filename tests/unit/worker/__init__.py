"""The worker's pure parts, and what they take for granted of Celery."""
