"""Calls become drafts: all that must be taken from the caller is taken here."""
