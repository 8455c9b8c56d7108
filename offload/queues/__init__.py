"""Policies of queues: retries, limits, retention; declared in settings or made by people."""
