"""Queues with real workers."""
