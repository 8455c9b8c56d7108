"""The lint."""
