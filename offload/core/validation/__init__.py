"""Validation of values that users give."""
