"""A pool process: claim, run, end."""
