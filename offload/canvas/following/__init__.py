"""Successors of a job that ended: callbacks, the next step of a chain, joins."""
