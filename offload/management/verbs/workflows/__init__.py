"""Verbs about workflows and their runs."""
