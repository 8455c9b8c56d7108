"""Freezing: calls become drafts, with everything that must come from the caller's process."""
